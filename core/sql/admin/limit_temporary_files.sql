-- Bounds the temporary files of one session of the role: a sort of made-up rows cannot fill the disk. The role may not change it.
ALTER ROLE {role} IN DATABASE {database} SET temp_file_limit = {limit}

-- Limits the temporary files of each session of the role: a sort of generated rows cannot fill the disk.
-- The role may not change this setting.
ALTER ROLE {role} IN DATABASE {database} SET temp_file_limit = {limit}

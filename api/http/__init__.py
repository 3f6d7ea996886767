"""What every route shares about HTTP: the connection's protocol, bodies, fields, headers, pages, problems, the OpenAPI document.

It knows no noun of Teller and asks no database. The other packages of api may import it. It imports core and nothing of api.
"""

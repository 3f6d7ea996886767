"""HTTP for all routes: the connection's protocol, bodies, fields, headers, pages, problems, the OpenAPI document.

This package knows no noun of Teller and sends no query. The other packages of api may import it. It imports core alone.
"""

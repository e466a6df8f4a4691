"""What the statements of PostgreSQL do, one module for each kind of them; the parser is pglast's, which is optional.

The nodes of a parsed statement are its own: `AlterTableStmt` and the like, as PostgreSQL names them in `parsenodes.h`.
"""

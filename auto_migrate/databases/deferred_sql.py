"""What Django's schema editors put off until they are left."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def flush_deferred(editor: BaseDatabaseSchemaEditor) -> None:
    """Run now what the editor would run on leaving.

    So a record can follow in the same transaction. And what fails on leaving keeps Django from ending the transaction:
    whatever comes next on the connection would be taken for a part of it.
    """
    deferred, editor.deferred_sql = editor.deferred_sql, []
    for statement in deferred:
        editor.execute(statement, None)

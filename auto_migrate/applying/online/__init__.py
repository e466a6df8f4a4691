"""Stock operations carried out in steps that hold nobody up, whose end is Django's own schema.

Django's schema editor makes the statements (`collector`); what each kind of statement becomes stands in a module of
its own (`index_steps`, `unique_constraints`, `check_constraints`, `foreign_keys`, `not_null`, `column_steps`,
`removals`), put together by `translation`; new types are `rewrites`, and new names `renames`. `planner` decides whether
an operation goes this way, `planned_steps` tells it of a whole plan, and `runner` carries the steps out, resumes them
and takes them back. What is not understood is carried out as it is written.
"""

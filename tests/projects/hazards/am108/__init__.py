ENDS_ELSEWHERE = "The constraint is on a new table, into which the rows are moved."

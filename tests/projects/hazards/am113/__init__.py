ENDS_ELSEWHERE = "The new table does without the constraint."

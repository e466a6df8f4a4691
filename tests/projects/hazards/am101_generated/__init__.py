ENDS_ELSEWHERE = "A column that is there already cannot be made a generated one."

ENDS_ELSEWHERE = "The table keeps its name."

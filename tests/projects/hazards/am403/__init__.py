ENDS_ELSEWHERE = "The column keeps its default."

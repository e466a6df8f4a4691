ENDS_ELSEWHERE = "The column keeps its type, and a constraint bounds the values."

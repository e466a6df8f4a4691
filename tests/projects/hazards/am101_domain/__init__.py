ENDS_ELSEWHERE = "The column has a constraint of its own and not the domain."

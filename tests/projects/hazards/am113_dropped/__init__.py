ENDS_ELSEWHERE = "The table stays, until an hour at which nobody minds."

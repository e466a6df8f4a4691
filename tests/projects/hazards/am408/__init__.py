ENDS_ELSEWHERE = "The old column goes with a later release."

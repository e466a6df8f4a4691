ENDS_ELSEWHERE = "What is detached concurrently keeps a CHECK of what it was for."

"""The plan carried out where nobody is: a scratch database, what is done to it, and what that was seen to take."""

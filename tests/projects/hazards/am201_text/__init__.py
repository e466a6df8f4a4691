REFUSED = "PostgreSQL makes one transaction of the text"

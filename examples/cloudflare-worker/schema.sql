CREATE TABLE customers (org TEXT NOT NULL, id TEXT NOT NULL, name TEXT, email TEXT, iban TEXT, PRIMARY KEY (org, id))

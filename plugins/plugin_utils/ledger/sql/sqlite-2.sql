-- From form 1 to form 2: a ledger that was moved elsewhere says so, and takes no more records.
CREATE TABLE moved (
	id INTEGER NOT NULL, 
	place TEXT NOT NULL, 
	PRIMARY KEY (id)
);
PRAGMA user_version = 2;

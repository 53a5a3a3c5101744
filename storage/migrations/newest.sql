-- The schema after all migrations, for a new SQLite file. `make docs` writes it; the tests compare it.

CREATE TABLE errand_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT errand_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE sessions (
	session TEXT NOT NULL, 
	address TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	history_after INTEGER NOT NULL, 
	PRIMARY KEY (session)
);

CREATE TABLE inbox (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	session TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	received_at DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	done_at DATETIME, 
	CONSTRAINT inbox_event UNIQUE (channel, event_id), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE INDEX inbox_unfinished ON inbox (number) WHERE done_at IS NULL;

CREATE TABLE turns (
	turn INTEGER NOT NULL, 
	session TEXT NOT NULL, 
	person TEXT NOT NULL, 
	request TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	dossier TEXT NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME NOT NULL, 
	PRIMARY KEY (turn), 
	FOREIGN KEY(turn) REFERENCES inbox (number), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE INDEX turns_of_session ON turns (session, turn);

CREATE TABLE plans (
	id TEXT NOT NULL, 
	session TEXT NOT NULL, 
	turn INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	saved_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(session) REFERENCES sessions (session), 
	FOREIGN KEY(turn) REFERENCES inbox (number)
);

CREATE INDEX plans_of_turn ON plans (turn, saved_at);

CREATE TABLE step_results (
	"plan" TEXT NOT NULL, 
	step TEXT NOT NULL, 
	status TEXT NOT NULL, 
	body TEXT NOT NULL, 
	kept_at DATETIME NOT NULL, 
	PRIMARY KEY ("plan", step), 
	FOREIGN KEY("plan") REFERENCES plans (id)
);

CREATE TABLE questions (
	id TEXT NOT NULL, 
	session TEXT NOT NULL, 
	person TEXT NOT NULL, 
	"plan" TEXT, 
	payload TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	closed_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(session) REFERENCES sessions (session), 
	FOREIGN KEY("plan") REFERENCES plans (id)
);

CREATE UNIQUE INDEX questions_open ON questions (session) WHERE closed_at IS NULL;

CREATE TABLE outbox (
	id TEXT NOT NULL, 
	turn INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	session TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	address TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	delivered_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(turn) REFERENCES turns (turn), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE INDEX outbox_undelivered ON outbox (turn, position) WHERE delivered_at IS NULL;

CREATE TABLE model_calls (
	turn INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	component TEXT NOT NULL, 
	model TEXT NOT NULL, 
	seconds FLOAT NOT NULL, 
	error TEXT, 
	input_tokens INTEGER, 
	output_tokens INTEGER, cost_usd FLOAT, 
	PRIMARY KEY (turn, position), 
	FOREIGN KEY(turn) REFERENCES turns (turn)
);

CREATE TABLE people (
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	language TEXT, 
	verbosity TEXT, time_zone TEXT, 
	PRIMARY KEY (channel, person)
);

CREATE TABLE grants (
	id INTEGER NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	session TEXT, 
	tool TEXT NOT NULL, 
	granted_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE INDEX grants_of_person ON grants (channel, person);

CREATE TABLE memories (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	text TEXT NOT NULL, 
	noted_at DATETIME NOT NULL
);

CREATE INDEX memories_of_person ON memories (channel, person);

CREATE TABLE templates (
	name TEXT NOT NULL, 
	body TEXT NOT NULL, 
	made_by TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE durations (
	work TEXT NOT NULL, 
	seconds FLOAT NOT NULL, 
	runs INTEGER NOT NULL, 
	PRIMARY KEY (work)
);

CREATE TABLE summaries (
	session TEXT NOT NULL, 
	upto INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	PRIMARY KEY (session), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE TABLE plan_versions (
	"plan" TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	body TEXT NOT NULL, 
	saved_at DATETIME NOT NULL, 
	PRIMARY KEY ("plan", version), 
	FOREIGN KEY("plan") REFERENCES plans (id)
);

CREATE TABLE channel_notes (
	channel TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	noted_at DATETIME NOT NULL, 
	PRIMARY KEY (channel, "key")
);

CREATE TABLE ratings (
	turn INTEGER NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	rating TEXT NOT NULL, 
	rated_at DATETIME NOT NULL, 
	PRIMARY KEY (turn, channel, person), 
	FOREIGN KEY(turn) REFERENCES turns (turn)
);

CREATE TABLE pins (
	server TEXT NOT NULL, 
	tool TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	pinned_at DATETIME NOT NULL, 
	PRIMARY KEY (server, tool)
);

CREATE TABLE schedules (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	goes_to TEXT NOT NULL, 
	body TEXT NOT NULL, 
	next_at DATETIME, 
	last_at DATETIME, 
	CONSTRAINT schedules_key UNIQUE ("key")
);

CREATE INDEX schedules_of_person ON schedules (channel, person);

CREATE INDEX schedules_next ON schedules (next_at);

CREATE TABLE spending (
	scope TEXT NOT NULL, 
	period TEXT NOT NULL, 
	tokens BIGINT NOT NULL, 
	micro_usd BIGINT NOT NULL, 
	held_tokens BIGINT NOT NULL, 
	held_micro_usd BIGINT NOT NULL, 
	more_tokens BIGINT NOT NULL, 
	more_micro_usd BIGINT NOT NULL, 
	warned INTEGER NOT NULL, 
	PRIMARY KEY (scope, period)
);

CREATE TABLE reservations (
	id TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	period TEXT NOT NULL, 
	tokens BIGINT NOT NULL, 
	micro_usd BIGINT NOT NULL, 
	PRIMARY KEY (id, scope, period)
);

CREATE TABLE budget_requests (
	id TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	period TEXT NOT NULL, 
	tokens BIGINT NOT NULL, 
	micro_usd BIGINT NOT NULL, 
	person TEXT NOT NULL, 
	address TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	answered_by TEXT, 
	PRIMARY KEY (id)
);

CREATE TABLE cases (
	turn INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	state TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	claimed_by TEXT, 
	words TEXT, 
	answer TEXT, 
	entered_at DATETIME NOT NULL, 
	PRIMARY KEY (turn), 
	FOREIGN KEY(turn) REFERENCES turns (turn)
);

CREATE INDEX cases_open ON cases (turn) WHERE state = 'open';

CREATE TABLE work (
	id INTEGER NOT NULL, 
	"plan" TEXT NOT NULL, 
	step TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	worker TEXT NOT NULL, 
	succeeded INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	ended_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY("plan") REFERENCES plans (id)
);

CREATE INDEX work_of_kind ON work (kind, ended_at);

CREATE TABLE aliases (
	alias TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	PRIMARY KEY (alias), 
	CONSTRAINT aliases_name UNIQUE (kind, name)
);

CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT, 
	session TEXT, 
	turn INTEGER, 
	details TEXT NOT NULL, 
	digest TEXT, 
	removes_upto INTEGER, 
	chain TEXT NOT NULL
);

CREATE INDEX audit_of_person ON audit (person);

CREATE INDEX audit_at ON audit (at);

CREATE INDEX audit_removes ON audit (removes_upto);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END;

CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
    WHEN OLD.id > coalesce((SELECT max(removes_upto) FROM audit), 0)
    BEGIN SELECT RAISE(ABORT, 'rows of the audit go by retention alone'); END;

CREATE TABLE declined (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	text TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	served_by TEXT
);

CREATE INDEX declined_of_person ON declined (person);

CREATE INDEX declined_at ON declined (at);

CREATE TABLE erasures (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	files TEXT
);

CREATE INDEX inbox_of_session ON inbox (session, number);

CREATE INDEX outbox_of_session ON outbox (session, turn, position);

CREATE INDEX plans_of_session ON plans (session, turn);

CREATE VIRTUAL TABLE turn_words USING fts5(
request, answer, content='turns', content_rowid='turn', tokenize='unicode61 remove_diacritics 2');

CREATE TRIGGER turn_words_insert AFTER INSERT ON turns BEGIN INSERT INTO turn_words(rowid, request, answer) VALUES (new.turn, new.request, new.answer); END;

CREATE TRIGGER turn_words_delete AFTER DELETE ON turns BEGIN INSERT INTO turn_words(turn_words, rowid, request, answer)
VALUES ('delete', old.turn, old.request, old.answer); END;

CREATE TRIGGER turn_words_update AFTER UPDATE OF request, answer ON turns BEGIN INSERT INTO turn_words(turn_words, rowid, request, answer)
VALUES ('delete', old.turn, old.request, old.answer); INSERT INTO turn_words(rowid, request, answer) VALUES (new.turn, new.request, new.answer); END;

CREATE TABLE appointments (
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	role TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (channel, person)
);

CREATE TABLE accounts (
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	joined_at DATETIME NOT NULL, 
	PRIMARY KEY (channel, person)
);

CREATE INDEX accounts_of_identity ON accounts (identity);

CREATE TABLE link_codes (
	digest TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	name TEXT NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (digest)
);

CREATE TABLE petitions (
	id TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	session TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY("plan") REFERENCES plans (id), 
	FOREIGN KEY(session) REFERENCES sessions (session)
);

CREATE TABLE votes (
	petition TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	person TEXT NOT NULL, 
	agreed INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	given_at DATETIME NOT NULL, 
	PRIMARY KEY (petition, channel, person), 
	FOREIGN KEY(petition) REFERENCES petitions (id)
);

INSERT INTO errand_version VALUES ('0014');

-- A journal as the first version of dss left it: one trial done, one failed, one that waits.
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1685287786;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
INSERT INTO "counters" VALUES('token',2);
CREATE TABLE evaluations (
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('valid', 'test')),
    loss REAL,
    accuracy REAL,
    row_count INTEGER NOT NULL,
    correct BLOB NOT NULL,
    PRIMARY KEY (trial_id, attempt, step, split)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "evaluations" VALUES('00000000000000000001',1,20,'test',0.5,0.75,12,X'B70A');
INSERT INTO "evaluations" VALUES('00000000000000000001',1,20,'valid',0.5,0.75,12,X'B70A');
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trial_id TEXT,
    body TEXT NOT NULL
  ) STRICT;
INSERT INTO "events" VALUES(1,1000,'queued','00000000000000000001','{"kind":"queued","trialId":"00000000000000000001"}');
INSERT INTO "events" VALUES(2,1000,'queued','00000000000000000002','{"kind":"queued","trialId":"00000000000000000002"}');
INSERT INTO "events" VALUES(3,1000,'queued','00000000000000000003','{"kind":"queued","trialId":"00000000000000000003"}');
INSERT INTO "events" VALUES(4,1000,'submitted',NULL,'{"first":0,"kind":"submitted","last":true,"submission":1,"sweep":"old","trialIds":["00000000000000000001","00000000000000000002","00000000000000000003"]}');
INSERT INTO "events" VALUES(5,2000,'begun','00000000000000000001','{"kind":"begun","lease":{"attempt":1,"token":"1","trialId":"00000000000000000001"},"workerId":"w"}');
INSERT INTO "events" VALUES(6,3000,'measured','00000000000000000001','{"evaluations":[{"accuracy":0.75,"loss":0.5,"rows":12,"split":"valid","step":20},{"accuracy":0.75,"loss":0.5,"rows":12,"split":"test","step":20}],"kind":"measured","lease":{"attempt":1,"token":"1","trialId":"00000000000000000001"},"training":[{"loss":"nan","step":10},{"loss":1.5,"step":20}]}');
INSERT INTO "events" VALUES(7,4000,'succeeded','00000000000000000001','{"kind":"succeeded","lease":{"attempt":1,"token":"1","trialId":"00000000000000000001"},"result":{"environment":{"threads":"1","torch":"2"},"examplesPerSecond":80,"seconds":10,"secondsByPhase":{"evaluate":1.5,"load":1,"train":10},"selectedStep":100,"testAccuracy":0.75,"testRows":20,"trainRows":90,"validRows":10}}');
INSERT INTO "events" VALUES(8,5000,'begun','00000000000000000002','{"kind":"begun","lease":{"attempt":1,"token":"2","trialId":"00000000000000000002"},"workerId":"w"}');
INSERT INTO "events" VALUES(9,6000,'failed','00000000000000000002','{"failure":{"code":"INTERNAL","detail":"line 1\nline 2","hint":"look again","kind":"user","message":"it was user"},"kind":"failed","lease":{"attempt":1,"token":"2","trialId":"00000000000000000002"}}');
CREATE TABLE members (
    submission INTEGER NOT NULL REFERENCES submissions (submission) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    PRIMARY KEY (submission, position)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "members" VALUES(1,0,'00000000000000000001');
INSERT INTO "members" VALUES(1,1,'00000000000000000002');
INSERT INTO "members" VALUES(1,2,'00000000000000000003');
CREATE TABLE sources (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) STRICT;
INSERT INTO "sources" VALUES('526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','{"directory":"/models/tiny","files":[{"path":"config.json","role":"config","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","sizeBytes":700}]}');
INSERT INTO "sources" VALUES('36d76fced813d13a4cf52861d2bc9863c2961a68b5cb30d74ed609ccff7ab291','{"directory":"/datasets","fields":{},"files":[{"path":"cqa/cqa_train.json","role":"train","sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","sizeBytes":8589934592}],"layout":"release","metric":"text","templates":{}}');
CREATE TABLE submissions (
    submission INTEGER PRIMARY KEY AUTOINCREMENT,
    sweep TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    complete INTEGER NOT NULL CHECK (complete IN (0, 1))
  ) STRICT;
INSERT INTO "submissions" VALUES(1,'old',1000,1);
CREATE TABLE training_points (
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    loss REAL,
    PRIMARY KEY (trial_id, attempt, step)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "training_points" VALUES('00000000000000000001',1,10,NULL);
INSERT INTO "training_points" VALUES('00000000000000000001',1,20,1.5);
CREATE TABLE trials (
    trial_id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    model TEXT NOT NULL REFERENCES sources (digest),
    dataset TEXT NOT NULL REFERENCES sources (digest),
    checkpoint_steps INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    worker_id TEXT,
    infrastructure_failures INTEGER NOT NULL DEFAULT 0,
    lost_failures INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    failure TEXT,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    CHECK ((state = 'succeeded') = (result IS NOT NULL))
  ) STRICT;
INSERT INTO "trials" VALUES('00000000000000000001','{"alpha":0.5,"batch_size":8,"dataset":"cqa","dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,"init":"pretrained","label_type":"gt","llm":"palm","lr":0.00005,"max_input_length":1024,"max_steps":100,"model":"models/tiny","model_type":"task_prefix","precision":"fp32","seed":1,"select":"valid","subsample":1}','526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','36d76fced813d13a4cf52861d2bc9863c2961a68b5cb30d74ed609ccff7ab291',7,'succeeded',1,1,'w',0,0,'{"environment":{"threads":"1","torch":"2"},"examplesPerSecond":80,"seconds":10,"secondsByPhase":{"evaluate":1.5,"load":1,"train":10},"selectedStep":100,"testAccuracy":0.75,"testRows":20,"trainRows":90,"validRows":10}',NULL,1000,2000,4000);
INSERT INTO "trials" VALUES('00000000000000000002','{"alpha":null,"batch_size":8,"dataset":"cqa","dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,"init":"pretrained","label_type":"gt","llm":null,"lr":0.00005,"max_input_length":1024,"max_steps":100,"model":"models/tiny","model_type":"standard","precision":"fp32","seed":2,"select":"valid","subsample":1}','526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','36d76fced813d13a4cf52861d2bc9863c2961a68b5cb30d74ed609ccff7ab291',0,'failed',1,2,'w',0,0,NULL,'{"code":"INTERNAL","detail":"line 1\nline 2","hint":"look again","kind":"user","message":"it was user"}',1000,5000,6000);
INSERT INTO "trials" VALUES('00000000000000000003','{"alpha":null,"batch_size":8,"dataset":"cqa","dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,"init":"pretrained","label_type":"gt","llm":null,"lr":0.00005,"max_input_length":1024,"max_steps":100,"model":"models/tiny","model_type":"standard","precision":"fp32","seed":3,"select":"valid","subsample":1}','526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','36d76fced813d13a4cf52861d2bc9863c2961a68b5cb30d74ed609ccff7ab291',0,'queued',0,0,NULL,0,0,NULL,NULL,1000,NULL,NULL);
CREATE INDEX trials_running ON trials (trial_id) WHERE state = 'running';
CREATE UNIQUE INDEX submissions_current ON submissions (sweep, complete);
CREATE UNIQUE INDEX members_once ON members (submission, trial_id);
CREATE INDEX events_trial ON events (trial_id) WHERE trial_id IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('submissions',1);
COMMIT;

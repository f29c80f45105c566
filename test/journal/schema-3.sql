-- A journal as dss left it with its third schema: one trial done, one half-way, both with checkpoints.
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1685287786;
PRAGMA user_version = 3;
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
    correct BLOB NOT NULL, choice_accuracy REAL,
    PRIMARY KEY (trial_id, attempt, step, split)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trial_id TEXT,
    body TEXT NOT NULL
  ) STRICT;
INSERT INTO "events" VALUES(1,1000,'queued','00000000000000000001','{"kind":"queued","trialId":"00000000000000000001"}');
INSERT INTO "events" VALUES(2,1000,'queued','00000000000000000002','{"kind":"queued","trialId":"00000000000000000002"}');
INSERT INTO "events" VALUES(3,1000,'submitted',NULL,'{"extend":false,"first":0,"kind":"submitted","last":true,"options":{"budget":{"deviceHours":null,"failedTrials":null,"wallHours":null},"priority":0,"weight":1},"owner":"","submission":1,"sweep":"half","trialIds":["00000000000000000001","00000000000000000002"]}');
INSERT INTO "events" VALUES(4,2000,'begun','00000000000000000001','{"kind":"begun","lease":{"attempt":1,"token":"2147483648","trialId":"00000000000000000001"},"workerId":"w"}');
INSERT INTO "events" VALUES(5,3000,'checkpointed','00000000000000000001','{"kind":"checkpointed","lease":{"attempt":1,"token":"2147483648","trialId":"00000000000000000001"},"path":"step-00000050","step":50}');
INSERT INTO "events" VALUES(6,4000,'checkpointed','00000000000000000001','{"kind":"checkpointed","lease":{"attempt":1,"token":"2147483648","trialId":"00000000000000000001"},"path":"step-00000100","step":100}');
INSERT INTO "events" VALUES(7,5000,'succeeded','00000000000000000001','{"kind":"succeeded","lease":{"attempt":1,"token":"2147483648","trialId":"00000000000000000001"},"result":{"choiceAccuracy":null,"environment":{"threads":"1","torch":"2"},"examplesPerSecond":80,"mfuPadded":0.25,"mfuUseful":0.2,"paddedTokensPerSecond":10000,"peakFlops":100000000000,"peakFlopsSource":"measured","peakMemoryBytes":1073741824,"predictedMemoryBytes":1073741824,"resumedStep":0,"seconds":10,"secondsByPhase":{"evaluate":1.5,"load":1,"train":10},"selectedStep":100,"testAccuracy":0.5,"testRows":20,"trainRows":90,"usefulTokensPerSecond":8000,"validRows":10}}');
INSERT INTO "events" VALUES(8,6000,'begun','00000000000000000002','{"kind":"begun","lease":{"attempt":1,"token":"4294967296","trialId":"00000000000000000002"},"workerId":"w"}');
INSERT INTO "events" VALUES(9,7000,'checkpointed','00000000000000000002','{"kind":"checkpointed","lease":{"attempt":1,"token":"4294967296","trialId":"00000000000000000002"},"path":"step-00000050","step":50}');
INSERT INTO "events" VALUES(10,8000,'requeued','00000000000000000002','{"delayMs":0,"failure":{"code":"INTERNAL","detail":"line 1\nline 2","hint":"look again","kind":"lost","message":"it was lost"},"kind":"requeued","lease":{"attempt":1,"token":"4294967296","trialId":"00000000000000000002"}}');
CREATE TABLE members (
    submission INTEGER NOT NULL REFERENCES submissions (submission) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    PRIMARY KEY (submission, position)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "members" VALUES(1,0,'00000000000000000001');
INSERT INTO "members" VALUES(1,1,'00000000000000000002');
CREATE TABLE sources (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) STRICT;
INSERT INTO "sources" VALUES('3371fd3f855eb8366fa83a1ad113519489341350816ad6187666edc356d16d68','{"choices":[],"directory":"/datasets","fields":{},"files":[{"path":"cqa/cqa_train.json","role":"train","sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","sizeBytes":8589934592}],"layout":"release","metric":"text","templates":{}}');
INSERT INTO "sources" VALUES('526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','{"directory":"/models/tiny","files":[{"path":"config.json","role":"config","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","sizeBytes":700}]}');
CREATE TABLE submissions (
    submission INTEGER PRIMARY KEY AUTOINCREMENT,
    sweep TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    complete INTEGER NOT NULL CHECK (complete IN (0, 1))
  , owner TEXT NOT NULL DEFAULT '', priority INTEGER NOT NULL DEFAULT 0, weight REAL NOT NULL DEFAULT 1, budget TEXT NOT NULL
    DEFAULT '{"deviceHours":null,"failedTrials":null,"wallHours":null}', state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'paused', 'cancelled')), reason TEXT NOT NULL DEFAULT '', active_since INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "submissions" VALUES(1,'half',1000,1,'',0,1.0,'{"deviceHours":null,"failedTrials":null,"wallHours":null}','active','',3);
CREATE TABLE tallies (
    submission INTEGER NOT NULL REFERENCES submissions (submission) ON DELETE CASCADE,
    state TEXT NOT NULL,
    trials INTEGER NOT NULL,
    PRIMARY KEY (submission, state)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "tallies" VALUES(1,'queued',1);
INSERT INTO "tallies" VALUES(1,'running',0);
INSERT INTO "tallies" VALUES(1,'succeeded',1);
CREATE TABLE training_points (
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    loss REAL,
    PRIMARY KEY (trial_id, attempt, step)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE trials (
    trial_id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    model TEXT NOT NULL REFERENCES sources (digest),
    dataset TEXT NOT NULL REFERENCES sources (digest),
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
    ended_at INTEGER, run TEXT NOT NULL DEFAULT '{}', crashes INTEGER NOT NULL DEFAULT 0, seed INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'succeeded') = (result IS NOT NULL))
  ) STRICT;
INSERT INTO "trials" VALUES('00000000000000000001','{"adapter":"none","alpha":null,"batch_size":8,"dataset":"cqa","dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,"init":"pretrained","label_type":"gt","llm":null,"lora_alpha":null,"lora_rank":null,"lr":0.00005,"max_input_length":1024,"max_steps":100,"model":"models/tiny","model_type":"standard","optimizer":"adamw","precision":"fp32","seed":1,"select":"valid","subsample":1}','526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','3371fd3f855eb8366fa83a1ad113519489341350816ad6187666edc356d16d68','succeeded',1,2147483648,'w',0,0,'{"choiceAccuracy":null,"environment":{"threads":"1","torch":"2"},"examplesPerSecond":80,"mfuPadded":0.25,"mfuUseful":0.2,"paddedTokensPerSecond":10000,"peakFlops":100000000000,"peakFlopsSource":"measured","peakMemoryBytes":1073741824,"predictedMemoryBytes":1073741824,"resumedStep":0,"seconds":10,"secondsByPhase":{"evaluate":1.5,"load":1,"train":10},"selectedStep":100,"testAccuracy":0.5,"testRows":20,"trainRows":90,"usefulTokensPerSecond":8000,"validRows":10}',NULL,1000,2000,5000,'{"checkpointSteps":0,"compile":"auto","directory":null,"gradientCheckpointing":"auto","keep":"none","keepCheckpoints":false,"microBatches":0,"outputRationale":false}',0,1);
INSERT INTO "trials" VALUES('00000000000000000002','{"adapter":"none","alpha":null,"batch_size":8,"dataset":"cqa","dropout":0.1,"eval_steps":50,"gen_max_len":64,"grad_steps":1,"init":"pretrained","label_type":"gt","llm":null,"lora_alpha":null,"lora_rank":null,"lr":0.00005,"max_input_length":1024,"max_steps":100,"model":"models/tiny","model_type":"standard","optimizer":"adamw","precision":"fp32","seed":2,"select":"valid","subsample":1}','526ab3d27ce308921bbdb30daa00dc4a77de526129c60101fa32b75bf43c25e3','3371fd3f855eb8366fa83a1ad113519489341350816ad6187666edc356d16d68','queued',1,4294967296,'w',0,1,NULL,'{"code":"INTERNAL","detail":"line 1\nline 2","hint":"look again","kind":"lost","message":"it was lost"}',8000,6000,NULL,'{"checkpointSteps":0,"compile":"auto","directory":null,"gradientCheckpointing":"auto","keep":"none","keepCheckpoints":false,"microBatches":0,"outputRationale":false}',0,2);
CREATE INDEX trials_running ON trials (trial_id) WHERE state = 'running';
CREATE UNIQUE INDEX submissions_current ON submissions (sweep, complete);
CREATE INDEX events_trial ON events (trial_id) WHERE trial_id IS NOT NULL;
CREATE UNIQUE INDEX members_once ON members (trial_id, submission);
CREATE TRIGGER trials_tally AFTER UPDATE OF state ON trials WHEN old.state <> new.state BEGIN
    UPDATE tallies SET trials = trials - 1
      WHERE state = old.state AND submission IN (SELECT submission FROM members WHERE trial_id = new.trial_id);
    INSERT INTO tallies SELECT submission, new.state, 1 FROM members WHERE trial_id = new.trial_id
      ON CONFLICT DO UPDATE SET trials = trials + 1;
  END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('submissions',1);
COMMIT;

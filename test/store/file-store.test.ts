import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { FileStore } from '../../orchestrator/store/file-store.js';
import { storePaths } from '../../orchestrator/store/store-paths.js';
import { cutOff, inPieces, storedFile } from '../support/bytes.js';
import { temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { SmallDisk } from '../support/small-disk.js';

const TRIAL = 'a'.repeat(20);
const BYTES = Buffer.alloc(5_000, 'weights ');
const FILE = storedFile(BYTES);

describe('a store of files', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: FileStore;
  beforeEach(() => {
    folder = temporaryFolder();
    store = new FileStore(folder.path, 0);
  });
  afterEach(() => folder[Symbol.dispose]());

  /** Names of all files below its folder. */
  const names = () =>
    readdirSync(storePaths(folder.path).root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);

  it('has a file once all of it has come, under its digest', async () => {
    assert.equal(await store.has('', FILE), false);
    await store.put('', FILE, inPieces(BYTES));
    assert.equal(await store.has('', FILE), true);
    assert.deepEqual(readFileSync(store.pathOf('', FILE.sha256)), BYTES);
  });

  it('keeps files of a trial apart from what trials read', async () => {
    await store.put(TRIAL, FILE, inPieces(BYTES));
    assert.equal(await store.has('', FILE), false);
    assert.equal(await store.has(TRIAL, FILE), true);
    assert.deepEqual(store.missingOf(TRIAL, [FILE, storedFile(Buffer.from('other'))]), [
      storedFile(Buffer.from('other')),
    ]);
  });

  const damaged = Buffer.from(BYTES);
  damaged[4_000] = 0;
  const WRONG: readonly [string, AsyncIterable<Uint8Array>, RegExp][] = [
    ['with a flipped byte', inPieces(damaged), /5000 bytes with \w{12}… came, expected 5000 bytes with \w{12}…/],
    ['that is too short', inPieces(BYTES.subarray(1)), /4999 bytes .* came, expected 5000/],
    ['that is too long', inPieces(Buffer.concat([BYTES, BYTES])), /more than 5000 bytes came/],
    ['of no bytes', inPieces(Buffer.alloc(0)), /0 bytes .* came/],
    ['whose sender breaks off', cutOff(BYTES, 3_000), /cut off/],
  ];
  for (const [what, bytes, message] of WRONG) {
    it(`keeps nothing of a file ${what}`, async () => {
      await assert.rejects(store.put('', FILE, bytes), message);
      assert.equal(await store.has('', FILE), false);
      assert.deepEqual(names(), []);
    });
  }

  it('hears no more of a sender that says more than it said it would', async () => {
    let pieces = 0;
    const endless = (async function* () {
      for (; pieces < 100; pieces += 1) yield BYTES;
    })();
    await assert.rejects(store.put('', FILE, endless), { code: 'STORE_MISMATCH' });
    assert.equal(pieces, 1);
  });

  it('takes one file from two at a time, and neither sees half of the other', async () => {
    await Promise.all([store.put('', FILE, inPieces(BYTES, 7)), store.put('', FILE, inPieces(BYTES, 512))]);
    assert.deepEqual(names(), [FILE.sha256]);
    assert.deepEqual(readFileSync(store.pathOf('', FILE.sha256)), BYTES);
  });

  it('takes a whole file beside a broken one of the same name', async () => {
    const broken = store.put('', FILE, cutOff(BYTES, 100));
    await Promise.all([assert.rejects(broken), store.put('', FILE, inPieces(BYTES))]);
    assert.deepEqual(names(), [FILE.sha256]);
  });

  it('has not what is there with another size: it is sent again, and whole then', async () => {
    await store.put('', FILE, inPieces(BYTES));
    writeFileSync(store.pathOf('', FILE.sha256), 'cut short');
    assert.equal(await store.has('', FILE), false);
    assert.deepEqual(store.missingOf('', [FILE]), [FILE]);
    await store.put('', FILE, inPieces(BYTES));
    assert.equal(await store.has('', FILE), true);
  });

  it('removes what a former life left unfinished, and names the trials that have files', async () => {
    await store.put(TRIAL, FILE, inPieces(BYTES));
    writeFileSync(`${store.pathOf(TRIAL, 'b'.repeat(64))}.123.part`, 'half');
    const next = new FileStore(folder.path, 0);
    assert.equal(next.mayHave(TRIAL), false);
    assert.deepEqual(next.tidyUp(), [TRIAL]);
    assert.equal(next.mayHave(TRIAL), true);
    assert.deepEqual(names(), [FILE.sha256]);
  });

  it('forgets a name at once, so that what comes next under it stays', async () => {
    await store.put(TRIAL, FILE, inPieces(BYTES));
    store.keepOnly(TRIAL, new Set());
    assert.deepEqual(store.missingOf(TRIAL, [FILE]), [FILE]);
    await store.put(TRIAL, FILE, inPieces(BYTES));
    assert.deepEqual(store.missingOf(TRIAL, [FILE]), []);
  });

  it('keeps of a trial what it is told to', async () => {
    const other = Buffer.from('an older checkpoint');
    await store.put(TRIAL, FILE, inPieces(BYTES));
    await store.put(TRIAL, storedFile(other), inPieces(other));
    store.keepOnly(TRIAL, new Set([FILE.sha256]));
    assert.equal(await store.has(TRIAL, FILE), true);
    assert.equal(await store.has(TRIAL, storedFile(other)), false);
  });

  describe('with little room', () => {
    it('refuses what would not leave what it must, says so, and keeps nothing', async () => {
      const strict = new FileStore(folder.path, Number.MAX_SAFE_INTEGER);
      await assert.rejects(strict.put('', FILE, inPieces(BYTES)), {
        code: 'STORE_FULL',
        message: / free, of which .* GiB stay free; a file of 4\.9 KiB came/,
        hint: /dss doctor/,
      });
      assert.equal(existsSync(storePaths(folder.path).root), false);
    });

    it('counts files that are on their way, and not those that failed', async function () {
      using disk = SmallDisk.mount(folder.path, 1024 ** 2);
      if (disk === null) skip(this, 'needs root on Linux');
      const strict = new FileStore(folder.path, 0);
      const [one, two] = [Buffer.alloc(600_000, 1), Buffer.alloc(600_000, 2)];
      let breakOff = () => {};
      const broken = new Promise<void>((resolve) => {
        breakOff = resolve;
      });
      const slow = (async function* () {
        yield one.subarray(0, 10);
        await broken;
        throw new Error('cut off');
      })();
      const first = strict.put('', storedFile(one), slow);
      await assert.rejects(strict.put('', storedFile(two), inPieces(two)), { code: 'STORE_FULL' });
      breakOff();
      await assert.rejects(first, /cut off/);
      await strict.put('', storedFile(two), inPieces(two, 65_536));
    });

    it('keeps none of it free for others from whoever has announced three quarters, until that has come', async function () {
      using disk = SmallDisk.mount(folder.path, 1024 ** 2);
      if (disk === null) skip(this, 'needs root on Linux');
      const strict = new FileStore(folder.path, 0);
      const [one, two, small] = [400_000, 401_000, 150_000].map((length) => Buffer.alloc(length, 1)) as [
        Buffer,
        Buffer,
        Buffer,
      ];
      let goOn = () => {};
      const told = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const slow = (async function* () {
        yield one.subarray(0, 10);
        await told;
        yield one.subarray(10);
      })();
      const first = strict.put('', storedFile(one), slow, 'ada');
      await assert.rejects(strict.put('', storedFile(two), inPieces(two), 'ada'), {
        code: 'STORE_FULL',
        message: /was announced beside .* on their way; one caller has/,
      });
      await strict.put('', storedFile(small), inPieces(small), 'bob');
      goOn();
      await first;
      const third = Buffer.alloc(150_001, 1);
      await strict.put('', storedFile(third), inPieces(third), 'ada');
    });

    it('says that the disk is full when it gets full on the way, and is as before', async function () {
      using disk = SmallDisk.mount(folder.path, 1024 ** 2);
      if (disk === null) skip(this, 'needs root on Linux');
      const strict = new FileStore(folder.path, 0);
      const bytes = Buffer.alloc(600_000, 1);
      const filling = (async function* () {
        yield bytes.subarray(0, 10);
        disk.fill(0);
        yield bytes.subarray(10);
      })();
      await assert.rejects(strict.put('', storedFile(bytes), filling), { code: 'STORE_FULL' });
      assert.deepEqual(names(), []);
    });
  });
});

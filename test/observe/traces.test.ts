import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { startTraces, traceOptionsOf } from '../../orchestrator/observe/traces.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { evaluationOf, failureOf, resultOf, trialsOf } from '../support/trials.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly events: readonly { readonly name: string }[];
  readonly status: object;
}

/** A collector: keeps what it is sent. */
async function collector() {
  const heard: { path: string; headers: NodeJS.Dict<string | string[]>; spans: Span[] }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      heard.push({
        path: request.url ?? '',
        headers: request.headers,
        spans: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return { heard, url, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe('traces', () => {
  it('tell of each attempt: when, by whom, what it measured and how it ended; attempts of a trial are one trace', async () => {
    const { heard, url, close } = await collector();
    await using plane = await TestPlane.start();
    const options = traceOptionsOf(
      { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b', OTEL_SERVICE_NAME: 'mine' },
      '1',
    );
    assert.ok(options !== null);
    const end = startTraces(plane.plane.view, options, silent);
    await plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const worker = plane.worker();
    const first = await worker.next('assign');
    worker.report({ kind: 'metrics', lease: first.lease, training: [], evaluations: [evaluationOf(5)] });
    await worker.acknowledged(
      worker.report({ kind: 'failed', lease: first.lease, failure: failureOf('user', 'NON_FINITE') }),
    );
    await plane.client.retry('s', { onlyFailed: true });
    const second = await worker.next('assign');
    await worker.acknowledged(worker.report({ kind: 'finished', lease: second.lease, result: resultOf(1) }));
    await end();
    const spans = heard.flatMap((each) => each.spans);
    assert.equal(heard[0]?.path, '/v1/traces');
    assert.equal(heard[0]?.headers['x-key'], 'a b');
    assert.equal(spans.length, 2);
    assert.equal(spans[0]?.traceId, spans[1]?.traceId);
    assert.match(spans[0]?.traceId ?? '', /^[0-9a-f]{32}$/);
    assert.match(spans[0]?.spanId ?? '', /^[0-9a-f]{16}$/);
    assert.notEqual(spans[0]?.spanId, spans[1]?.spanId);
    assert.deepEqual(
      spans.map(({ status }) => status),
      [{ code: 2, message: 'NON_FINITE' }, { code: 1 }],
    );
    assert.deepEqual(
      spans[0]?.events.map(({ name }) => name),
      ['evaluation on valid'],
    );
    assert.ok(spans.every((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)));
    const worked = spans[0]?.attributes.find(({ key }) => key === 'dss.worker');
    assert.deepEqual(worked?.value, { stringValue: 'scripted-1' });
    await close();
  });

  it('are dropped where nobody takes them, and hold nothing up', async () => {
    await using plane = await TestPlane.start();
    const options = traceOptionsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, '1');
    assert.ok(options !== null);
    const end = startTraces(plane.plane.view, options, silent);
    await plane.client.submit('s', trialsOf(3), { retryFailed: false });
    void plane.worker().runAll();
    await plane.watched('s');
    await end();
  });

  for (const env of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_TRACES_EXPORTER: 'none' },
  ]) {
    it(`are off with ${JSON.stringify(env)}`, () => assert.equal(traceOptionsOf(env, '1'), null));
  }

  it('go by the rules for their variables: what is empty is not set, and a name of the service is the last word', () => {
    const endpoints = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a/' };
    const named = traceOptionsOf({ ...endpoints, OTEL_RESOURCE_ATTRIBUTES: 'service.name=lab,team=a%2Cb' }, '1');
    assert.equal(named?.url, 'http://a/v1/traces');
    assert.deepEqual([named?.resource['service.name'], named?.resource['team']], ['lab', 'a,b']);
    const env = { ...endpoints, OTEL_RESOURCE_ATTRIBUTES: 'service.name=lab', OTEL_SERVICE_NAME: 'mine' };
    assert.equal(traceOptionsOf(env, '1')?.resource['service.name'], 'mine');
  });

  it('refuse a value that is not encoded, by its variable and name, and keep it to themselves', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret%zz' };
    assert.throws(
      () => traceOptionsOf(env, '1'),
      (reason: Error) => {
        return (
          /OTEL_EXPORTER_OTLP_HEADERS: the value of x-key/.test(reason.message) && !reason.message.includes('secret')
        );
      },
    );
  });

  it('refuse a protocol that they do not speak, and name the one that they do', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    assert.throws(() => traceOptionsOf(env, '1'), { code: 'USAGE', message: /expected http\/json, got grpc/ });
  });
});

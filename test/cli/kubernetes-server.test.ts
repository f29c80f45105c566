import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { serviceFacts } from '../../orchestrator/cli/server/kubernetes-service.js';
import { runDss, temporaryFolder } from '../support/dss.js';

const KUBECONFIG = (server: string) => `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${server}", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: here, context: {cluster: c, user: u, namespace: own}}]
current-context: here
`;

describe('--server kubernetes://', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(join(folder.path, 'empty'));
  });
  afterEach(() => folder[Symbol.dispose]());

  const status = async (args: readonly string[], kubeconfig?: string) => {
    const path = join(folder.path, 'kubeconfig');
    if (kubeconfig !== undefined) writeFileSync(path, kubeconfig);
    const env = { HOME: join(folder.path, 'empty'), KUBECONFIG: kubeconfig === undefined ? '' : path };
    const { code, stderr } = await runDss(['status', ...args], { env: { ...env, KUBERNETES_SERVICE_HOST: '' } });
    return { code, said: stderr.replaceAll(path, 'KUBECONFIG') };
  };

  it('needs a kubeconfig, or a pod to be in', async () => {
    const { code, said } = await status(['--server', 'kubernetes://ns']);
    assert.equal(code, 2);
    assert.match(said, /no Kubernetes cluster is known here\n {2}KUBECONFIG names a kubeconfig/);
  });

  it('says which contexts there are', async () => {
    const args = ['--server', 'kubernetes://ns', '--context', 'there'];
    const { code, said } = await status(args, KUBECONFIG('https://127.0.0.1:1'));
    assert.equal(code, 2);
    assert.match(said, /KUBECONFIG has no context "there"\n {2}--context takes one of here/);
  });

  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'beside a server that is not in Kubernetes',
      ['--server', '127.0.0.1:1', '-n', 'ns'],
      /--namespace: expected --server kubernetes:\/\/ beside it, got 127\.0\.0\.1:1\n {2}for a control plane in Kubernetes: --server kubernetes:\/\/ -n ns/,
    ],
    ['alone', ['-n', 'ns'], /--namespace: expected --server kubernetes:\/\/ beside it, got none/],
    [
      'beside an address that names another',
      ['--server', 'kubernetes://a/svc', '-n', 'b'],
      /--namespace: expected a, which --server kubernetes:\/\/a\/svc names, got b/,
    ],
    ['that is none', ['--server', 'kubernetes://', '-n', 'A_b'], /expected kubernetes:\/\/NAMESPACE/],
  ];
  for (const [what, args, message] of refused) {
    it(`takes no namespace ${what}`, async () => {
      const { code, said } = await status(args, KUBECONFIG('https://127.0.0.1:1'));
      assert.equal(code, 2);
      assert.match(said, message);
    });
  }

  it('is refused for what is no namespace', async () => {
    const { code, said } = await status(['--server', 'kubernetes://a/b/c'], KUBECONFIG('https://127.0.0.1:1'));
    assert.equal(code, 2);
    assert.match(said, /expected kubernetes:\/\/NAMESPACE or kubernetes:\/\/NAMESPACE\/SERVICE/);
  });

  it('says that the API server does not answer', async () => {
    const { code, said } = await status(['--server', 'kubernetes://ns'], KUBECONFIG('https://127.0.0.1:1'));
    assert.equal(code, 75);
    assert.match(said, /the Kubernetes API server at 127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/);
  });

  it('says that the kubeconfig leads nowhere', async () => {
    const kubeconfig = KUBECONFIG('http://127.0.0.1:1').replace(', insecure-skip-tls-verify: true', '');
    const { code, said } = await status(['--server', 'kubernetes://ns'], kubeconfig);
    assert.equal(code, 2);
    assert.match(said, /the kubeconfig gives no way to 127\.0\.0\.1:1: .*\n {2}`kubectl version` asks the same server/);
  });

  describe('with an API server that refuses', () => {
    let server: Server;
    const asked: string[] = [];
    before(async () => {
      server = createServer((request, response) => {
        asked.push(request.url ?? '');
        const message = 'services "dss" is forbidden: User "anna" cannot get resource "services"';
        response.writeHead(403, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Forbidden', message, code: 403 }));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    after(() => server.close());

    it("asks in the context's namespace, and says which right is missing", async () => {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const { code, said } = await status(['--server', 'kubernetes://'], KUBECONFIG(`http://127.0.0.1:${port}`));
      assert.equal(code, 2);
      assert.deepEqual(asked.splice(0), ['/api/v1/namespaces/own/services/dss']);
      assert.match(said, /Kubernetes refuses get on services in namespace own: .*User "anna"/);
      assert.match(said, /needs verb get on resource services/);
    });

    it('asks in the namespace that -n names, for the Service that the address names', async () => {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      await status(['--server', 'kubernetes:///other', '-n', 'theirs'], KUBECONFIG(`http://127.0.0.1:${port}`));
      assert.deepEqual(asked.splice(0), ['/api/v1/namespaces/theirs/services/other']);
    });
  });
});

describe('a Service', () => {
  const facts = serviceFacts({
    metadata: { name: 'dss' },
    spec: {
      selector: { app: 'dss', part: 'x' },
      ports: [
        { name: 'grpc', port: 1, targetPort: 'grpc' },
        { name: 'files', port: 2 },
      ],
    },
  });
  it('leads to the port of its pods', () => assert.equal(facts.portOf('grpc'), 'grpc'));
  it('leads to its own port where it names none of theirs', () => assert.equal(facts.portOf('files'), 2));
  it('selects by all of its labels', () => assert.equal(facts.selector, 'app=dss,part=x'));
  it('that lacks a port is none of a control plane', () =>
    assert.throws(() => facts.portOf('web'), /has no port named web/));
});

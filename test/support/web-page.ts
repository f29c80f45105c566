/** The real web server of a real control plane, and a real browser that looks at it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { ControlPlaneOptions } from '../../orchestrator/control/control-plane.js';
import { createMetrics, type Metrics } from '../../orchestrator/observe/metrics.js';
import { pageFolder } from '../../orchestrator/web/page-files.js';
import { startWeb, type WebOptions, type WebServer } from '../../orchestrator/web/web-server.js';
import { buildWeb } from '../../scripts/build-web.mjs';
import { silent, TestPlane } from './control-planes.js';

const CHROMIUM = process.env['DSS_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
/** A folder for pictures of every page as its test left it, for people to look at. */
const SCREENSHOTS = process.env['DSS_TEST_SCREENSHOTS'];

export function hasBrowser(): boolean {
  return existsSync(CHROMIUM);
}

export const NO_BROWSER = `there is no Chromium at ${CHROMIUM} (Debian's package chromium; DSS_TEST_CHROMIUM names another)`;

let built: Promise<string> | null = null;

/** Once for all tests. */
function builtPage(): Promise<string> {
  built ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dss-test-page-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    await buildWeb(folder);
    return folder;
  })();
  return built;
}

/** Where a command that runs from the sources looks for it; the set-up builds it too. */
export async function ensurePage(): Promise<void> {
  if (!existsSync(join(pageFolder(), 'index.html'))) await buildWeb(pageFolder());
}

export class TestWeb {
  readonly plane: TestPlane;
  #server: WebServer;
  readonly #options: WebOptions;
  readonly #metrics: Metrics;

  private constructor(plane: TestPlane, server: WebServer, options: WebOptions, metrics: Metrics) {
    this.plane = plane;
    this.#server = server;
    this.#options = options;
    this.#metrics = metrics;
  }

  static async start(
    options: Partial<WebOptions> & { readonly control?: Partial<ControlPlaneOptions>; readonly isBuilt?: boolean } = {},
  ): Promise<TestWeb> {
    const { control, isBuilt = false, ...web } = options;
    const plane = await TestPlane.start(control);
    const { view } = plane.plane;
    const metrics = createMetrics(view, '1.2.3');
    const pageFolder = isBuilt ? await builtPage() : '/nowhere';
    const own = { view, metrics, logger: silent, version: '1.2.3', listenOn: '127.0.0.1:0', pageFolder };
    try {
      const server = await startWeb({ ...own, ...web });
      return new TestWeb(plane, server, { ...own, ...web }, metrics);
    } catch (reason) {
      metrics.close();
      await plane[Symbol.asyncDispose]();
      throw reason;
    }
  }

  get server(): WebServer {
    return this.#server;
  }

  /** The control plane goes on. */
  closePage(): Promise<void> {
    return this.#server.close();
  }

  /** Again, at the same address. */
  async openPage(): Promise<void> {
    this.#server = await startWeb({ ...this.#options, listenOn: new URL(this.#server.url).host });
  }

  url(path: string): string {
    return new URL(path, this.server.url).href;
  }

  /** Over the socket, like anybody. */
  ask(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url(path), init);
  }

  async read<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await this.ask(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    this.#metrics.close();
    await this.plane[Symbol.asyncDispose]();
  }
}

export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
    return new TestBrowser(await chromium.launch({ executablePath: CHROMIUM, args }));
  }

  /** Whatever the page complains of is an error of the test: scripts that fail, and everything that its policy blocks. */
  async open(
    url: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    await page.goto(url);
    return { page, complaints };
  }

  async leave(page: Page): Promise<void> {
    if (SCREENSHOTS !== undefined) await takePicture(page, SCREENSHOTS);
    await page.context().close();
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

let pictures = 0;

async function takePicture(page: Page, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { pathname, search } = new URL(page.url());
  const name = `${pathname}${search}`.replaceAll(/[^\w.-]+/g, '-');
  pictures += 1;
  const path = join(folder, `${String(pictures).padStart(2, '0')}${name}-${page.viewportSize()?.width}.png`);
  // One that its test has taken the server from cannot be drawn.
  await page.screenshot({ path, timeout: 10_000 }).catch((reason: Error) => console.warn(`${path}: ${reason.message}`));
}

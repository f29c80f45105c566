/** An image of a folder of this machine, as an archive that containerd imports. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a container of it has where its pod says nothing else, in the image-spec's words. */
export interface ImageConfig {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
}

const PATH = '/usr/local/bin:/usr/bin:/bin';

/** Writes an OCI archive (image-spec 1.0) of one layer; the same folder gives the same digests. */
export function writeImage(archive: string, name: string, root: string, config: ImageConfig): void {
  const folder = mkdtempSync(join(tmpdir(), 'dss-image-'));
  try {
    const blobs = join(folder, 'blobs', 'sha256');
    mkdirSync(blobs, { recursive: true });
    const put = (bytes: Buffer, mediaType: string) => {
      const digest = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(join(blobs, digest), bytes);
      return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
    };
    const json = (value: unknown) => Buffer.from(JSON.stringify(value));
    const layerFile = join(folder, 'layer.tar');
    tar(layerFile, root, ['.']);
    const layer = put(readFileSync(layerFile), 'application/vnd.oci.image.layer.v1.tar');
    const described = put(
      json({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Env: [`PATH=${PATH}`], ...config },
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      }),
      'application/vnd.oci.image.config.v1+json',
    );
    const manifest = put(
      json({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: described,
        layers: [layer],
      }),
      'application/vnd.oci.image.manifest.v1+json',
    );
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    writeFileSync(join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
    writeFileSync(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    tar(archive, folder, ['oci-layout', 'index.json', 'blobs']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tar(archive: string, root: string, names: readonly string[]): void {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  execFileSync('tar', [...same, '-C', root, '-cf', archive, ...names]);
}

// The package as npm hands it out: packed once, and installed where a test wants it.
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The project's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
/** A program of an npm package. */
export const bin = (name: string) => join(root, 'node_modules/.bin', name);

/** Packs the package into a folder: the tarball as that folder's npm takes it, and the files in it. */
export async function pack(folder: string): Promise<{ tarball: string; files: string[] }> {
  const { stdout } = await run('npm', ['pack', join(root, 'pkg'), '--json', '--pack-destination', folder]);
  const packed = JSON.parse(stdout) as unknown;
  const [one] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (!one) throw new Error(`npm pack told of no package: ${stdout}`);
  return { tarball: `./${one.filename.split('/').pop()}`, files: one.files.map(({ path }) => path) };
}

/** Packs and installs it in an empty folder: `node_modules` there. Once a process. */
let folderOfPackage: Promise<string> | undefined;
const installPackage = async (): Promise<string> => {
  mkdirSync(join(root, 'target/installed'), { recursive: true });
  const folder = mkdtempSync(join(root, 'target/installed', 'package-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const { tarball } = await pack(folder);
  const install = ['install', '--offline', '--no-audit', '--no-fund', '--no-workspaces', tarball];
  await run('npm', install, { cwd: folder });
  return join(folder, 'node_modules');
};

/**
 * A folder in which the packed package is installed, below the project, so that tools are found from there.
 * @param sources Folders below the project, whose files are copied to it.
 */
export async function installed(
  name: string,
  sources: string[],
): Promise<{ folder: string; remove(): void }> {
  folderOfPackage ??= installPackage();
  const modules = await folderOfPackage;
  const folder = mkdtempSync(join(root, 'target/installed', `${name}-`));
  for (const source of sources) {
    cpSync(join(root, source), folder, {
      recursive: true,
      filter: (path) => !/[\\/](node_modules|\.next|\.svelte-kit|build|dist)$/.test(path),
    });
  }
  cpSync(modules, join(folder, 'node_modules'), { recursive: true });
  // What npm did not put into the project's own node_modules, because other versions are there.
  for (const source of sources) {
    const own = join(root, source, 'node_modules');
    const names = existsSync(own) ? readdirSync(own).filter((name) => !name.startsWith('.')) : [];
    for (const name of names) {
      const target = join(folder, 'node_modules', name);
      if (!existsSync(target)) symlinkSync(join(own, name), target);
    }
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

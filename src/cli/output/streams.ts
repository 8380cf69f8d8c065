/**
 * @module Standard output and standard error of the process, safe against failed writes: a closed pipe, a hung-up
 * terminal or a full disk never fails the command.
 */
import { fstatSync, write } from 'node:fs';
import { Writable } from 'node:stream';
import type { Output } from '../io.ts';

/** The signals that end a command early. The command still writes its report (docs/contract.md §5). */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Maximum wait for pending output after a signal, in milliseconds. The command must end within ten seconds. */
export const flushAfterStop = 1_000;

/** The pause before writing again to a busy device, in milliseconds. */
const busyPause = 20;

interface StandardStream extends Output {
  readonly fd: number;
  readonly _handle?: { setBlocking?(blocking: boolean): void };
}

/** The stream to use instead of `process.stdout` or `process.stderr`. */
export function outputOf(stream: StandardStream): Output {
  if (stream.isTTY) {
    // Node writes to terminals synchronously. A paused terminal (Ctrl-S, stalled ssh) would block the whole sweep.
    stream._handle?.setBlocking?.(false);
    return stream;
  }
  return isFile(stream.fd) ? fileOutput(stream.fd) : stream;
}

function isFile(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFile() || stats.isCharacterDevice() || stats.isBlockDevice();
  } catch {
    return false;
  }
}

/** Node's own stream for files ignores short writes: if the disk fills up, it silently drops the rest of the text. */
function fileOutput(fd: number): Writable {
  return new Writable({
    decodeStrings: true,
    write: (chunk: Buffer, _encoding, done) => writeAll(fd, chunk, done),
  });
}

function writeAll(fd: number, bytes: Buffer, done: (error?: Error | null) => void): void {
  write(fd, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(() => writeAll(fd, bytes, done), busyPause);
    else if (error) done(error);
    else if (written < bytes.length) writeAll(fd, bytes.subarray(written), done);
    else done();
  });
}

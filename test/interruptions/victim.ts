/**
 * @module Runs a sweep as a real process against an embedded cluster in this process, and interrupts it: a signal
 * arrives, a reader closes its pipe, a terminal hangs up. Terminals are real, created with `script` of util-linux.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EmbeddedElasticsearch,
  type FleetJob,
  scaledClock,
  startElasticsearch,
} from '../../simulator/index.ts';
import { root } from '../support/bin.ts';
import { type Folder, newFolder } from '../support/folder.ts';

export const stages = ['start', 'question', 'closing', 'report'] as const;
export type Stage = (typeof stages)[number];

export const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'] as const;
export const incidents = [
  ...signals,
  'stdout',
  'stderr',
  'both',
  'terminal',
  'state',
  'output',
  'stdin',
] as const;
/**
 * Something that interrupts a sweep: a signal, or the loss of a stream, of both outputs, of the terminal, of the state
 * directory, or of the output file's folder.
 */
export type Incident = (typeof incidents)[number];

/** Where standard output or error goes: into a pipe, or to `/dev/full`, where each write fails. */
export type Sink = 'pipe' | 'full';

export interface VictimOptions {
  readonly args: readonly string[];
  /** Standard input and error are a terminal; standard output is one as well, unless it is piped. */
  readonly terminal?: boolean;
  readonly pipedOutput?: boolean;
  readonly stdout?: Sink;
  readonly stderr?: Sink;
  readonly stdin?: string;
  /** Runs in its own session, like with `setsid`, so a terminal that hangs up sends no SIGHUP. */
  readonly ownSession?: boolean;
  /** Adds kept jobs that make the report longer than a pipe's buffer. */
  readonly longReport?: boolean;
  /** Delays the reads, because the first stage is very short otherwise. */
  readonly slowStart?: boolean;
  /** How long each of the idle jobs takes to close, in real time. */
  readonly closeTakes?: readonly string[];
  /** The path of a built command, which starts faster than the sources. */
  readonly script: string;
}

export interface Aftermath {
  /** Undefined if a signal ended the process. */
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The contents of the files in the state directory. */
  readonly kept: readonly string[];
  /** The content of the file that `--output-file` names. */
  readonly output: string | undefined;
  /** The jobs that close requests named. */
  readonly asked: ReadonlySet<string>;
  /** From the last incident to the end, in milliseconds. */
  readonly tookMs: number;
}

const busy: readonly FleetJob[] = Array.from({ length: 10 }, (_, index) => ({
  jobId: `busy-${index}`,
  lastData: '1m',
}));

function fleetOf({
  closeTakes = ['1s', '2s', '300ms', '1500ms'],
  longReport,
  terminal,
}: VictimOptions): FleetJob[] {
  const idle = closeTakes.map((takes, index) => ({
    jobId: `idle-${index}`,
    lastData: `${100 + index}h`,
    closeTakes: takes,
  }));
  const managed = Array.from({ length: longReport ? (terminal ? 3_000 : 1_500) : 0 }, (_, index) => ({
    jobId: `managed-by-an-app-of-elastic-${index}`,
    lastData: '9d',
    customSettings: { managed: true },
  }));
  return [...busy, ...idle, ...managed];
}

export class Victim implements AsyncDisposable {
  readonly #options: VictimOptions;
  readonly #server: EmbeddedElasticsearch;
  readonly #folder: Folder;
  readonly #child: ChildProcess;
  readonly #reader: ChildProcess | undefined;
  readonly #ended: Promise<number | undefined>;
  #stdout = '';
  #stderr = '';
  #incidentAt = Date.now();

  private constructor(
    options: VictimOptions,
    server: EmbeddedElasticsearch,
    folder: Folder,
    child: ChildProcess,
    reader: ChildProcess | undefined,
  ) {
    this.#options = options;
    this.#server = server;
    this.#folder = folder;
    this.#child = child;
    this.#reader = reader;
    // a terminal shows both streams, and the test collects its text as standard error
    const onText = (take: (text: string) => void) => (stream: Readable | null | undefined) => {
      stream
        ?.setEncoding('utf8')
        .on('data', take)
        .on('error', () => undefined);
    };
    const out = onText((text) => {
      this.#stdout += text;
    });
    const error = onText((text) => {
      this.#stderr += text;
    });
    if (options.terminal) {
      error(child.stdout);
      out(reader?.stdout);
    } else {
      out(child.stdout);
      error(child.stderr);
    }
    child.stdin?.on('error', () => undefined);
    this.#ended = this.#exitOf();
  }

  static async start(options: VictimOptions): Promise<Victim> {
    const folder = await newFolder();
    const server = await startElasticsearch({ clock: scaledClock(1), fleet: { jobs: fleetOf(options) } });
    if (options.slowStart) server.faults.add({ api: 'ml.get_job_stats', delay: 1_500 });
    const args = options.args.map((arg) =>
      arg.replace('OUTPUT', folder.at('out/report.json')).replace('PAYLOAD', folder.at('payload.json')),
    );
    await folder.write('payload.json', '{"close": {"batch": 2, "concurrency": 2}}');
    execFileSync('mkdir', [folder.at('out')]);
    const command = [process.execPath, options.script, ...args];
    const env = {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      SHELL: '/bin/sh',
      TERM: 'xterm',
      ELASTICSEARCH_URL: server.url,
      XDG_STATE_HOME: folder.at('state'),
      AWS_EC2_METADATA_DISABLED: 'true',
      COMMAND: command.map((word) => `'${word}'`).join(' '),
      FOLDER: folder.path,
    };
    if (!options.terminal) {
      const sinks = [options.stdout, options.stderr].map((sink) =>
        sink === 'full' ? openSync('/dev/full', 'w') : ('pipe' as const),
      );
      const [file = '', ...rest] = command;
      const child = spawn(file, rest, { cwd: root, env, stdio: ['pipe', sinks[0], sinks[1]] as const });
      for (const sink of sinks) if (typeof sink === 'number') closeSync(sink);
      if (options.stdin !== undefined) child.stdin?.end(options.stdin);
      return new Victim(options, server, folder, child, undefined);
    }
    // the outer shell survives and records the exit code of the command
    writeFileSync(
      folder.at('run.sh'),
      `trap "" HUP INT TERM QUIT\nsh -c 'echo $$ > "$FOLDER/pid"; exec '"$BEFORE$COMMAND$REDIRECT"\necho $? > "$FOLDER/exit"\n`,
    );
    let reader: ChildProcess | undefined;
    if (options.pipedOutput) {
      execFileSync('mkfifo', [folder.at('fifo')]);
      reader = spawn('cat', [folder.at('fifo')], { stdio: ['ignore', 'pipe', 'ignore'] });
    }
    const child = spawn('script', ['-qfec', `sh ${folder.at('run.sh')}`, '/dev/null'], {
      cwd: root,
      env: {
        ...env,
        BEFORE: options.ownSession ? 'setsid -w ' : '',
        REDIRECT: options.pipedOutput ? ` > '${folder.at('fifo')}'` : '',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    return new Victim(options, server, folder, child, reader);
  }

  /** Waits until the command reaches `stage`. Resolves with false if the command ends without reaching it. */
  async reaches(stage: Stage): Promise<boolean> {
    const { requests } = this.#server;
    const there: Record<Stage, () => boolean> = {
      start: () => requests.length > 0,
      question: () => this.#stderr.includes('[y/N]'),
      closing: () => requests.some(({ path }) => path.endsWith('/_close')),
      // the first part of the report has arrived, and the rest does not fit into the pipe
      report: () => this.#shownOfReport().includes('idle-0'),
    };
    if (stage === 'report') this.#pauseWhen(there.report);
    return await this.#until(there[stage]);
  }

  /**
   * The part of the report that was printed so far. On a terminal, leaves out the plan, which ends at the question or,
   * with `--yes`, at the first line of progress.
   */
  #shownOfReport(): string {
    if (this.#options.pipedOutput || !this.#options.terminal) return this.#stdout;
    const planEnds = this.#stderr.search(/\[y\/N\]|\d+ of \d+ jobs? closed/);
    return planEnds < 0 ? '' : this.#stderr.slice(planEnds);
  }

  #pauseWhen(there: () => boolean): void {
    const stream = this.#reader?.stdout ?? this.#child.stdout;
    const look = () => {
      if (!there()) return;
      stream?.pause().off('data', look);
    };
    stream?.on('data', look);
  }

  async #until(there: () => boolean): Promise<boolean> {
    let hasEnded = false;
    void this.#ended.then(() => {
      hasEnded = true;
    });
    while (!there()) {
      if (hasEnded) return false;
      await sleep(5);
    }
    return true;
  }

  /** Stops reading the terminal, like a stalled ssh session or Ctrl-S. */
  stall(): void {
    this.#child.stdout?.pause();
  }

  /** How many jobs of the cluster are closed. */
  get closed(): number {
    return this.#server.cluster.jobs().filter(({ state }) => state === 'closed').length;
  }

  answer(text: string): void {
    this.#child.stdin?.write(text);
  }

  do(incident: Incident): void {
    this.#incidentAt = Date.now();
    const { terminal } = this.#options;
    if (incident === 'terminal') {
      if (terminal) this.#child.kill('SIGKILL');
    } else if (incident === 'state') {
      rmSync(this.#folder.at('state'), { recursive: true, force: true });
      writeFileSync(this.#folder.at('state'), 'a file where the folder was');
    } else if (incident === 'output') rmSync(this.#folder.at('out'), { recursive: true, force: true });
    else if (incident === 'stdin') this.#child.stdin?.destroy();
    else if (incident === 'stdout' || incident === 'stderr' || incident === 'both') this.#lose(incident);
    else this.#signal(incident);
  }

  #lose(what: 'stdout' | 'stderr' | 'both'): void {
    if (what !== 'stderr') {
      if (this.#reader) this.#reader.kill('SIGKILL');
      else if (!this.#options.terminal) this.#child.stdout?.destroy();
    }
    if (what !== 'stdout' && !this.#options.terminal) this.#child.stderr?.destroy();
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#options.terminal) this.#child.kill(signal);
    else if (existsSync(this.#folder.at('pid'))) {
      try {
        process.kill(Number(readFileSync(this.#folder.at('pid'), 'utf8')), signal);
      } catch {
        // the process has already ended
      }
    }
  }

  async #exitOf(): Promise<number | undefined> {
    const closed = once(this.#child, 'exit');
    if (!this.#options.terminal) {
      const [code] = (await closed) as [number | null];
      return code ?? undefined;
    }
    // `script` itself may be killed, so its exit code is not used
    for (;;) {
      const noted = existsSync(this.#folder.at('exit')) ? readFileSync(this.#folder.at('exit'), 'utf8') : '';
      if (noted.endsWith('\n')) return Number(noted) > 128 ? undefined : Number(noted);
      await sleep(20);
    }
  }

  async ends({ reads = true } = {}): Promise<Aftermath> {
    for (const stream of [this.#child.stdout, this.#reader?.stdout]) if (reads) stream?.resume();
    const exit = await this.#ended;
    const tookMs = Date.now() - this.#incidentAt;
    await sleep(50);
    const state = this.#folder.at('state/jobsweep');
    const output = this.#folder.at('out/report.json');
    return {
      exit,
      stdout: this.#stdout,
      stderr: this.#stderr,
      kept: existsSync(state)
        ? readdirSync(state, { withFileTypes: true })
            .filter((each) => each.isFile())
            .map(({ name }) => readFileSync(join(state, name), 'utf8'))
        : [],
      output: existsSync(output) ? readFileSync(output, 'utf8') : undefined,
      asked: new Set(
        this.#server.requests
          .filter(({ path }) => path.endsWith('/_close'))
          .flatMap(({ path }) => decodeURIComponent(path).split('/')[3]?.split(',') ?? []),
      ),
      tookMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal('SIGKILL');
    this.#child.kill('SIGKILL');
    this.#reader?.kill('SIGKILL');
    await this.#ended;
    await this.#server.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** @module The groups, schedules and tags of one account, in all regions. */
import type { SimulatorClock } from '../clock.ts';
import { conflict, invalid, missing, ServiceError } from './errors.ts';
import type { ScheduleInput } from './request-input.ts';

export interface StoredSchedule extends Omit<ScheduleInput, 'ClientToken' | 'GroupName'> {
  readonly Arn: string;
  readonly Name: string;
  readonly GroupName: string;
  /** Epoch milliseconds, unlike the dates of a request. */
  readonly created: number;
  readonly modified: number;
  /** A `rate` without StartDate counts from here. */
  readonly anchor: number;
}

export interface StoredGroup {
  readonly Arn: string;
  readonly Name: string;
  readonly created: number;
  readonly modified: number;
  readonly State: 'ACTIVE' | 'DELETING';
  readonly tags: ReadonlyMap<string, string>;
}

export interface StoreOptions {
  readonly clock: SimulatorClock;
  readonly accountId: string;
  /** The most schedules in one region. */
  readonly quota: number;
  /** How long a deleted group stays DELETING while its schedules still fire. */
  readonly groupDeletionMs: number;
  /** Called after a schedule was created, changed or removed, because due times may have changed. */
  readonly changed: (arn: string, schedule: StoredSchedule | undefined) => void;
}

export class SchedulerStore {
  readonly #options: StoreOptions;
  readonly #groups = new Map<string, StoredGroup>();
  readonly #schedules = new Map<string, StoredSchedule>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  createSchedule(region: string, name: string, input: ScheduleInput): StoredSchedule {
    const group = this.group(region, input.GroupName);
    if (group.State === 'DELETING') throw conflict(`Schedule group ${group.Name} is being deleted.`);
    const arn = this.#arn(region, `schedule/${group.Name}/${name}`);
    if (this.#schedules.has(arn)) throw conflict(`Schedule ${name} already exists.`);
    if (this.schedules(region).length >= this.#options.quota)
      throw new ServiceError(
        'ServiceQuotaExceededException',
        'You have reached the maximum number of schedules.',
      );
    const now = this.#options.clock.now();
    return this.#put({ ...members(input), Arn: arn, Name: name, created: now, modified: now, anchor: now });
  }

  /** Replaces everything except the name, the group and the creation time. */
  updateSchedule(region: string, name: string, input: ScheduleInput): StoredSchedule {
    const before = this.schedule(region, input.GroupName, name);
    const now = this.#options.clock.now();
    const sameRhythm =
      before.ScheduleExpression === input.ScheduleExpression && before.StartDate === input.StartDate;
    return this.#put({
      ...members(input),
      Arn: before.Arn,
      Name: name,
      created: before.created,
      modified: now,
      anchor: sameRhythm ? before.anchor : now,
    });
  }

  deleteSchedule(region: string, group: string, name: string): void {
    this.remove(this.schedule(region, group, name).Arn);
  }

  /** Removes a schedule, if it still exists. */
  remove(arn: string): void {
    if (this.#schedules.delete(arn)) this.#options.changed(arn, undefined);
  }

  schedule(region: string, group: string, name: string): StoredSchedule {
    const found = this.#schedules.get(this.#arn(region, `schedule/${group}/${name}`));
    if (!found) throw missing(`Schedule ${name} does not exist.`);
    return found;
  }

  find(arn: string): StoredSchedule | undefined {
    return this.#schedules.get(arn);
  }

  /** The schedules in one region, or in all regions, ordered by group and name. */
  schedules(region?: string): StoredSchedule[] {
    return [...this.#schedules.values()]
      .filter((schedule) => region === undefined || regionOf(schedule.Arn) === region)
      .sort(byArn);
  }

  createGroup(region: string, name: string, tags: ReadonlyMap<string, string>): StoredGroup {
    this.#ensureDefault(region);
    const arn = this.#arn(region, `schedule-group/${name}`);
    if (this.#groups.has(arn)) throw conflict(`Schedule group ${name} already exists.`);
    const now = this.#options.clock.now();
    const group: StoredGroup = { Arn: arn, Name: name, created: now, modified: now, State: 'ACTIVE', tags };
    this.#groups.set(arn, group);
    return group;
  }

  deleteGroup(region: string, name: string): void {
    if (name === 'default') throw invalid('The default schedule group cannot be deleted.');
    const group = this.group(region, name);
    if (group.State === 'DELETING') throw conflict(`Schedule group ${name} is being deleted.`);
    const { clock, groupDeletionMs } = this.#options;
    this.#groups.set(group.Arn, { ...group, State: 'DELETING', modified: clock.now() });
    clock.at(clock.now() + groupDeletionMs, () => {
      for (const schedule of this.schedules(region))
        if (schedule.GroupName === name) this.remove(schedule.Arn);
      this.#groups.delete(group.Arn);
    });
  }

  group(region: string, name: string): StoredGroup {
    this.#ensureDefault(region);
    const found = this.#groups.get(this.#arn(region, `schedule-group/${name}`));
    if (!found) throw missing(`Schedule group ${name} does not exist.`);
    return found;
  }

  groups(region: string): StoredGroup[] {
    this.#ensureDefault(region);
    return [...this.#groups.values()].filter((group) => regionOf(group.Arn) === region).sort(byArn);
  }

  /** The tags of the group with this ARN, after applying `change` if given. */
  tags(
    arn: string,
    change?: (tags: ReadonlyMap<string, string>) => Map<string, string>,
  ): ReadonlyMap<string, string> {
    this.#ensureDefault(regionOf(arn));
    const group = this.#groups.get(arn);
    if (!group) throw missing(`Schedule group ${arn} does not exist.`);
    if (!change) return group.tags;
    const tags = change(group.tags);
    if (tags.size > 200) throw invalid('A schedule group can have at most 200 tags.');
    this.#groups.set(arn, { ...group, tags, modified: this.#options.clock.now() });
    return tags;
  }

  #put(schedule: StoredSchedule): StoredSchedule {
    this.#schedules.set(schedule.Arn, schedule);
    this.#options.changed(schedule.Arn, schedule);
    return schedule;
  }

  /** Each region always has a group `default`. */
  #ensureDefault(region: string): void {
    const arn = this.#arn(region, 'schedule-group/default');
    if (this.#groups.has(arn)) return;
    const now = this.#options.clock.now();
    this.#groups.set(arn, {
      Arn: arn,
      Name: 'default',
      created: now,
      modified: now,
      State: 'ACTIVE',
      tags: new Map(),
    });
  }

  #arn(region: string, resource: string): string {
    return `arn:aws:scheduler:${region}:${this.#options.accountId}:${resource}`;
  }
}

const regionOf = (arn: string) => arn.split(':')[3] ?? '';

const byArn = (a: { readonly Arn: string }, b: { readonly Arn: string }) =>
  a.Arn < b.Arn ? -1 : a.Arn > b.Arn ? 1 : 0;

function members({ ClientToken: _spent, ...input }: ScheduleInput): Omit<ScheduleInput, 'ClientToken'> {
  return input;
}

/** @module The twelve operations: how requests are routed, and how each operation answers. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { conflict, invalid, ServiceError } from './errors.ts';
import { clientToken, groupArn, name, page, read, readSchedule, state, tags } from './request-input.ts';
import type { SchedulerStore, StoredGroup, StoredSchedule } from './store.ts';

/** A request as the server received it, with its path still encoded. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly region: string;
}

interface Call extends WireRequest {
  /** The name or ARN in the path, decoded. */
  readonly label: string;
}

const routes = {
  CreateSchedule: 'POST /schedules/{}',
  GetSchedule: 'GET /schedules/{}',
  UpdateSchedule: 'PUT /schedules/{}',
  DeleteSchedule: 'DELETE /schedules/{}',
  ListSchedules: 'GET /schedules',
  CreateScheduleGroup: 'POST /schedule-groups/{}',
  GetScheduleGroup: 'GET /schedule-groups/{}',
  DeleteScheduleGroup: 'DELETE /schedule-groups/{}',
  ListScheduleGroups: 'GET /schedule-groups',
  TagResource: 'POST /tags/{}',
  UntagResource: 'DELETE /tags/{}',
  ListTagsForResource: 'GET /tags/{}',
} as const;
export type OperationName = keyof typeof routes;

/** The operation of a request, and the name or ARN in its path; undefined if no operation matches. */
export function route(
  method: string,
  path: string,
): { readonly operation: OperationName; readonly label: string } | undefined {
  const [root, collection, raw, ...more] = path.split('/');
  // a URL parser removes the segments `.` and `..`, so requests cannot reach a schedule with such a name
  if (root !== '' || more.length > 0 || raw === '.' || raw === '..') return undefined;
  const wanted = `${method} /${collection}${raw === undefined ? '' : '/{}'}`;
  const found = Object.entries(routes).find(([, route]) => route === wanted);
  if (!found) return undefined;
  return { operation: found[0] as OperationName, label: decode(raw ?? '') };
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw invalid('The path is not a well-formed percent-encoding.');
  }
}

export interface Paging {
  /** The most entries on one page, even if MaxResults is larger. */
  readonly size: number;
  /** Whether the first page has a token but no entries, which the service's documentation allows. */
  readonly startEmpty: boolean;
}

interface Answered {
  readonly request: string;
  readonly answer: object;
}

export class Operations {
  readonly #store: SchedulerStore;
  readonly #now: () => number;
  readonly #paging: Paging;
  readonly #byToken = new Map<string, Answered>();

  constructor(store: SchedulerStore, now: () => number, paging: Paging) {
    this.#store = store;
    this.#now = now;
    this.#paging = paging;
  }

  /** Carries out `operation` and returns the body of its answer. */
  perform(operation: OperationName, call: Call): object {
    const store = this.#store;
    const { region, query } = call;
    switch (operation) {
      case 'CreateSchedule': {
        const called = read(name, call.label, ['Name']);
        const input = readSchedule(call.body, this.#now());
        return this.#once(operation, call, input.ClientToken, () => ({
          ScheduleArn: store.createSchedule(region, called, input).Arn,
        }));
      }
      case 'UpdateSchedule': {
        const called = read(name, call.label, ['Name']);
        const input = readSchedule(call.body, this.#now());
        return this.#once(operation, call, input.ClientToken, () => ({
          ScheduleArn: store.updateSchedule(region, called, input).Arn,
        }));
      }
      case 'GetSchedule':
        return shownSchedule(store.schedule(region, groupOf(query), read(name, call.label, ['Name'])));
      case 'DeleteSchedule': {
        const called = read(name, call.label, ['Name']);
        const group = groupOf(query);
        return this.#once(operation, call, tokenOf(query), () => {
          store.deleteSchedule(region, group, called);
          return {};
        });
      }
      case 'ListSchedules':
        return this.#listSchedules(call);
      case 'CreateScheduleGroup': {
        const called = read(name, call.label, ['Name']);
        const input = read(
          z.object({ Tags: tags.default([]), ClientToken: clientToken.optional() }),
          call.body,
        );
        return this.#once(operation, call, input.ClientToken, () => ({
          ScheduleGroupArn: store.createGroup(region, called, tagMap(input.Tags)).Arn,
        }));
      }
      case 'GetScheduleGroup':
        return shownGroup(store.group(region, read(name, call.label, ['Name'])));
      case 'DeleteScheduleGroup': {
        const called = read(name, call.label, ['Name']);
        return this.#once(operation, call, tokenOf(query), () => {
          store.deleteGroup(region, called);
          return {};
        });
      }
      case 'ListScheduleGroups':
        return this.#listGroups(call);
      case 'TagResource': {
        const arn = read(groupArn, call.label, ['ResourceArn']);
        const input = read(z.object({ Tags: tags }), call.body);
        store.tags(arn, (before) => new Map([...before, ...tagMap(input.Tags)]));
        return {};
      }
      case 'UntagResource': {
        const arn = read(groupArn, call.label, ['ResourceArn']);
        const keys = read(z.array(z.string().min(1).max(128)).max(50), query.getAll('TagKeys'), ['TagKeys']);
        store.tags(arn, (before) => new Map([...before].filter(([key]) => !keys.includes(key))));
        return {};
      }
      case 'ListTagsForResource': {
        const found = store.tags(read(groupArn, call.label, ['ResourceArn']));
        return { Tags: [...found].map(([Key, Value]) => ({ Key, Value })) };
      }
    }
  }

  #listGroups({ region, query }: Call): object {
    const { NamePrefix = '', ...rest } = read(page, Object.fromEntries(query));
    const found = this.#store.groups(region).filter((group) => group.Name.startsWith(NamePrefix));
    const { entries, token } = this.#page(found, rest, `groups ${region} ${NamePrefix}`);
    return { ScheduleGroups: entries.map(shownGroup), ...token };
  }

  #listSchedules({ region, query }: Call): object {
    const filter = read(
      z.object({ ...page.shape, ScheduleGroup: name.optional(), State: state.optional() }),
      Object.fromEntries(query),
    );
    const { NamePrefix = '', ScheduleGroup, State } = filter;
    if (ScheduleGroup !== undefined) this.#store.group(region, ScheduleGroup);
    const found = this.#store
      .schedules(region)
      .filter(
        (schedule) =>
          schedule.Name.startsWith(NamePrefix) &&
          (ScheduleGroup === undefined || schedule.GroupName === ScheduleGroup) &&
          (State === undefined || schedule.State === State),
      );
    const filters = `schedules ${region} ${NamePrefix} ${ScheduleGroup ?? ''} ${State ?? ''}`;
    const { entries, token } = this.#page(found, filter, filters);
    return {
      Schedules: entries.map(({ Arn, Name, GroupName, State, created, modified, Target }) => ({
        Arn,
        Name,
        GroupName,
        State,
        CreationDate: created / 1000,
        LastModificationDate: modified / 1000,
        Target: { Arn: Target.Arn },
      })),
      ...token,
    };
  }

  /**
   * One page of `entries`. The token contains the last ARN shown, so that new and deleted entries do not shift the
   * pages.
   */
  #page<T extends { readonly Arn: string }>(
    entries: readonly T[],
    asked: { readonly NextToken?: string | undefined; readonly MaxResults: number },
    filters: string,
  ): { readonly entries: readonly T[]; readonly token: { readonly NextToken?: string } } {
    const token = (after: string) => ({
      NextToken: Buffer.from(JSON.stringify([filters, after])).toString('base64url'),
    });
    if (asked.NextToken === undefined && this.#paging.startEmpty) return { entries: [], token: token('') };
    const after = asked.NextToken === undefined ? '' : lastShown(asked.NextToken, filters);
    const rest = entries.filter((entry) => entry.Arn > after);
    const shown = rest.slice(0, Math.min(asked.MaxResults, this.#paging.size));
    const last = shown.at(-1);
    return { entries: shown, token: last && rest.length > shown.length ? token(last.Arn) : {} };
  }

  /** If a client token is repeated, the earlier answer is returned and nothing is changed again. */
  #once(operation: string, call: Call, token: string | undefined, act: () => object): object {
    if (token === undefined) return act();
    const key = `${call.region} ${operation} ${token}`;
    const request = createHash('sha256')
      .update(JSON.stringify([call.label, call.query.toString(), call.body]))
      .digest('hex');
    const before = this.#byToken.get(key);
    if (before && before.request !== request)
      throw conflict('This ClientToken was used before, with other parameters.');
    if (before) return before.answer;
    const answer = act();
    this.#byToken.set(key, { request, answer });
    return answer;
  }
}

function lastShown(token: string, filters: string): string {
  try {
    const [made, after] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [unknown, unknown];
    if (made === filters && typeof after === 'string') return after;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
  }
  throw invalid('The NextToken is not valid for this request.');
}

const groupOf = (query: URLSearchParams) =>
  read(name.default('default'), query.get('groupName'), ['GroupName']);
const tokenOf = (query: URLSearchParams) =>
  read(clientToken.optional(), query.get('clientToken'), ['ClientToken']);
const tagMap = (list: z.output<typeof tags>) => new Map(list.map(({ Key, Value }) => [Key, Value]));

function shownSchedule({ created, modified, anchor: _kept, ...schedule }: StoredSchedule): object {
  return { ...schedule, CreationDate: created / 1000, LastModificationDate: modified / 1000 };
}

function shownGroup({ created, modified, tags: _asked, ...group }: StoredGroup): object {
  return { ...group, CreationDate: created / 1000, LastModificationDate: modified / 1000 };
}

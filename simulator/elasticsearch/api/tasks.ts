/** @module The tasks behind open jobs and running datafeeds, as the task APIs and the cluster state show them. */
import { notFound } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import { type Column, table } from '../http/cat-table.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { wildcard } from '../state/expressions.ts';
import type { MlNode } from '../state/node.ts';

interface PersistentTask {
  readonly id: string;
  readonly name: 'xpack/ml/job' | 'xpack/ml/datafeed';
  readonly params: object;
  readonly state: object | undefined;
  readonly node: MlNode | undefined;
  readonly explanation: string;
  readonly allocation: number;
}

function persistentTasks(cluster: ClusterState): PersistentTask[] {
  const jobs = [...cluster.jobs.values()].flatMap(({ id, task }): PersistentTask[] =>
    task
      ? [
          {
            id: `job-${id}`,
            name: 'xpack/ml/job',
            params: { job_id: id, timeout: '1800000ms' },
            state:
              task.state === 'opening'
                ? undefined
                : {
                    state: task.state,
                    allocation_id: task.allocation,
                    ...(task.reason && { reason: task.reason }),
                  },
            node: task.node,
            explanation: cluster.explanationOf(task),
            allocation: task.allocation,
          },
        ]
      : [],
  );
  const datafeeds = [...cluster.datafeeds.values()].flatMap(({ id, jobId, task }): PersistentTask[] =>
    task
      ? [
          {
            id: `datafeed-${id}`,
            name: 'xpack/ml/datafeed',
            params: { datafeed_id: id, start: String(task.start), timeout: '20000ms', job_id: jobId },
            state: task.state === 'starting' ? undefined : { state: task.state },
            node: task.node,
            explanation: cluster.explanationOf(task),
            allocation: task.allocation,
          },
        ]
      : [],
  );
  return [...jobs, ...datafeeds];
}

/** The tasks that run on a node. A task without a node exists only as an entry in the cluster state. */
const running = (cluster: ClusterState) =>
  persistentTasks(cluster).flatMap((task) => (task.node ? [{ ...task, node: task.node }] : []));
type Running = ReturnType<typeof running>[number];

const column = (name: string, aliases: string, value: Column<Running>['value']): Column<Running> => ({
  name,
  aliases: aliases.split(','),
  description: name,
  kind: 'text',
  shown: true,
  value,
});

export const tasksRoutes: readonly Route[] = [
  route('cat.tasks', 'GET', '/_cat/tasks', ['monitor', 'cluster:monitor/tasks/lists'], (call) => {
    call.query.ignore('detailed', 'actions', 'nodes', 'parent_task_id', 'timeout', 'wait_for_completion');
    const { cluster } = call.context;
    const render = table(call, [
      column('action', 'ac', ({ name }) => `${name}[c]`),
      column('task_id', 'ti', ({ node, allocation }) => `${node.id}:${allocation}`),
      column('parent_task_id', 'pti', ({ allocation }) => `cluster:${allocation}`),
      column('type', 'ty', () => 'persistent'),
      column('start_time', 'start', () => String(cluster.clock.now())),
      column('timestamp', 'ts', () => new Date(cluster.clock.now()).toISOString().slice(11, 19)),
      column('running_time', 'time', () => '1s'),
      column('ip', 'i', ({ node }) => node.transportAddress.split(':')[0]),
      column('node', 'n', ({ node }) => node.name),
    ]);
    return () => render(running(cluster));
  }),
  route('tasks.list', 'GET', '/_tasks', ['monitor', 'cluster:monitor/tasks/lists'], (call) => {
    const { query, context } = call;
    const actions = (query.text('actions') ?? '*').split(',').map(wildcard);
    query.ignore('detailed', 'group_by', 'nodes', 'parent_task_id', 'timeout', 'wait_for_completion');
    return () => {
      const tasks = running(context.cluster).filter(({ name }) =>
        actions.some((matches) => matches(`${name}[c]`)),
      );
      const nodes: Record<string, { name: string; tasks: Record<string, object> }> = {};
      for (const { node, name, allocation, id } of tasks) {
        nodes[node.id] ??= { name: node.name, tasks: {} };
        const entry = {
          node: node.id,
          id: allocation,
          type: 'persistent',
          action: `${name}[c]`,
          description: id,
        };
        const tasksOfNode = nodes[node.id]?.tasks;
        if (tasksOfNode) tasksOfNode[`${node.id}:${allocation}`] = entry;
      }
      return { body: { nodes } };
    };
  }),
  route(
    'tasks.get',
    'GET',
    '/_tasks/{task_id}',
    ['monitor', 'cluster:monitor/task/get'],
    ({ query, parameters, context: { cluster }, wait }) => {
      const waits = query.flag('wait_for_completion', false);
      query.ignore('timeout');
      const id = parameters.task_id ?? '';
      return async () => {
        const work = cluster.tasks.get(id);
        if (!work) throw notFound(`task [${id}] isn't running and hasn't stored its results`);
        if (waits) await wait(work.done);
        return { body: { completed: work.completed, task: { id, action: work.action } } };
      };
    },
  ),
  route(
    'cluster.state',
    'GET',
    ['/_cluster/state', '/_cluster/state/{metric}', '/_cluster/state/{metric}/{index}'],
    ['monitor', 'cluster:monitor/state'],
    ({ query, context: { cluster } }) => {
      query.ignore(
        'local',
        'master_timeout',
        'flat_settings',
        'wait_for_metadata_version',
        'wait_for_timeout',
      );
      query.ignore('ignore_unavailable', 'allow_no_indices', 'expand_wildcards');
      return () => ({
        body: {
          cluster_name: cluster.name,
          cluster_uuid: cluster.uuid,
          master_node: cluster.hasMaster ? cluster.nodes[0]?.id : undefined,
          nodes: Object.fromEntries(
            cluster.nodes.filter((node) => node.alive).map((node) => [node.id, node.render()]),
          ),
          metadata: {
            cluster_uuid: cluster.uuid,
            persistent_tasks: {
              tasks: persistentTasks(cluster).map(
                ({ id, name, params, state, node, explanation, allocation }) => ({
                  id,
                  task: { [name]: { params, ...(state && { state }) } },
                  allocation_id: allocation,
                  assignment: { executor_node: node?.id ?? null, explanation },
                }),
              ),
            },
          },
        },
      });
    },
  ),
];

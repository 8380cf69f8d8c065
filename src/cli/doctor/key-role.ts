/** @module The minimal API keys as ready-made requests: `jobsweep doctor --print-role`. */

interface IndexPrivileges {
  readonly names: readonly string[];
  readonly privileges: readonly string[];
}

const keyBody = (
  name: string,
  privilege: 'monitor_ml' | 'manage_ml',
  indices: readonly IndexPrivileges[] = [],
) => ({
  name,
  role_descriptors: { [name]: { cluster: [privilege], indices, applications: [] } },
});

/** Bodies for `POST /_security/api_key`. */
export const leastKeys = {
  plan: keyBody('jobsweep-plan', 'monitor_ml'),
  sweep: keyBody('jobsweep-sweep', 'manage_ml'),
  advise: keyBody('jobsweep-advise', 'monitor_ml', [
    { names: ['.ml-notifications*', 'logs-jobsweep.*-*'], privileges: ['read'] },
  ]),
} as const;

/** The requests that create the minimal API keys, as text to paste into a console. */
export function roleText(): string {
  const request = (body: object) => `POST /_security/api_key\n${JSON.stringify(body, null, 2)}`;
  return [
    '# A key for plan, explain and doctor. It cannot change anything:',
    request(leastKeys.plan),
    '',
    '# A key that can also sweep and reopen:',
    request(leastKeys.sweep),
    '',
    '# Optional: a key for advise and explain --history that also reads when jobs were opened and closed, and the',
    '# reports that are stored in this cluster. (Reports on another cluster need a key there, with the second name alone.)',
    request(leastKeys.advise),
    '',
    '# Nothing else is needed. With the cluster privilege monitor too, reports know the version and the uuid of the cluster.',
    '',
  ].join('\n');
}

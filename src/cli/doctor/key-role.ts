/** @module The least that a key needs, ready to be sent: `jobsweep doctor --print-role`. */

const keyBody = (name: string, privilege: 'monitor_ml' | 'manage_ml') => ({
  name,
  role_descriptors: { [name]: { cluster: [privilege], indices: [], applications: [] } },
});

/** Bodies for `POST /_security/api_key`. */
export const leastKeys = {
  plan: keyBody('jobsweep-plan', 'monitor_ml'),
  sweep: keyBody('jobsweep-sweep', 'manage_ml'),
} as const;

/** The same as requests that can be pasted into a console. */
export function roleText(): string {
  const request = (body: object) => `POST /_security/api_key\n${JSON.stringify(body, null, 2)}`;
  return [
    '# A key that can plan, explain and be examined, and changes nothing:',
    request(leastKeys.plan),
    '',
    '# A key that can sweep and reopen as well:',
    request(leastKeys.sweep),
    '',
    '# Nothing else is needed. With the cluster privilege monitor too, reports know the version and the uuid of the cluster.',
    '',
  ].join('\n');
}

/**
 * @module Judges the advisories that `npm audit` reports. An advisory about a shipped package must be accepted, with a
 * reason and until a date.
 */
import { execFile } from 'node:child_process';
import * as z from 'zod';
import { root } from './bundles.ts';
import type { ShippedPackage } from './packages.ts';

/** An entry in `accepted-advisories.json`: an advisory that is accepted until a date, with the reason. */
export const acceptedSchema = z.array(
  z.strictObject({
    package: z.string().min(1),
    advisory: z.string().regex(/^GHSA(-[a-z0-9]{4}){3}$/),
    reason: z.string().min(20),
    /** The last day on which the entry is valid, in UTC. */
    until: z.iso.date(),
  }),
);
export type AcceptedAdvisory = z.infer<typeof acceptedSchema>[number];

/** The fields that we read from `npm audit --json`. */
const answerSchema = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      nodes: z.array(z.string()),
      /**
       * What makes the package vulnerable: advisories about the package itself, or the names of packages that it
       * depends on.
       */
      via: z.array(
        z.union([z.string(), z.object({ title: z.string(), url: z.string(), severity: z.string() })]),
      ),
    }),
  ),
});
export type AuditAnswer = z.infer<typeof answerSchema>;

export interface AuditResult {
  /**
   * The problems: advisories about shipped packages without a valid acceptance, and accepted advisories that `npm
   * audit` no longer reports.
   */
  readonly complaints: readonly string[];
  /** All other advisories, for information. */
  readonly remarks: readonly string[];
}

/** Judges an answer from `npm audit` on the day `today`, such as `2027-01-31`. */
export function judgeAudit(
  answer: AuditAnswer,
  packages: readonly ShippedPackage[],
  accepted: readonly AcceptedAdvisory[],
  today: string,
): AuditResult {
  const shipped = new Set(packages.flatMap(({ folders }) => folders));
  const complaints: string[] = [];
  const remarks: string[] = [];
  const met = new Set<AcceptedAdvisory>();
  for (const [name, { nodes, via }] of Object.entries(answer.vulnerabilities)) {
    for (const cause of via) {
      if (typeof cause === 'string') continue;
      const { title, url, severity } = cause;
      const advisory = `${name}: ${title} (${severity}, ${url})`;
      const argument = accepted.find((each) => each.package === name && url.endsWith(`/${each.advisory}`));
      if (argument) met.add(argument);
      if (!nodes.some((node) => shipped.has(node))) remarks.push(`not shipped: ${advisory}`);
      else if (argument === undefined) complaints.push(advisory);
      else if (argument.until < today) complaints.push(`${advisory}, accepted until ${argument.until}`);
      else remarks.push(`accepted until ${argument.until}: ${advisory}: ${argument.reason}`);
    }
  }
  for (const each of accepted)
    if (!met.has(each))
      complaints.push(`${each.package}: ${each.advisory} is accepted, but no longer reported: remove it`);
  return { complaints, remarks };
}

/**
 * Fetches the advisories for the whole lock file from npm's registry. `--omit` cannot select the shipped packages: they
 * are bundled, so every dependency is a development dependency. Returns npm's error text if the registry does not
 * answer.
 */
export async function fetchAudit(): Promise<AuditAnswer | string> {
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    // ignores the exit code, because npm exits with 1 if there are advisories and also if the registry does not answer
    execFile('npm', ['audit', '--json'], { cwd: root, maxBuffer: 64 * 2 ** 20 }, (_error, out, err) =>
      resolve({ stdout: out, stderr: err }),
    );
  });
  let advisory: unknown;
  try {
    advisory = JSON.parse(stdout);
  } catch {
    return stderr.trim() || 'nothing';
  }
  const answer = answerSchema.safeParse(advisory);
  if (answer.success) return answer.data;
  return z.object({ message: z.string() }).safeParse(advisory).data?.message ?? stdout.trim();
}

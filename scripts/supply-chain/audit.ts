/** @module Known advisories against what is shipped, from `npm audit`, and the arguments for those that are accepted. */
import { execFile } from 'node:child_process';
import * as z from 'zod';
import { root } from './bundles.ts';
import type { ShippedPackage } from './packages.ts';

/** Of `accepted-advisories.json`: an advisory that stays for a time, and why it does no harm here. */
export const acceptedSchema = z.array(
  z.strictObject({
    package: z.string().min(1),
    advisory: z.string().regex(/^GHSA(-[a-z0-9]{4}){3}$/),
    reason: z.string().min(20),
    /** The last day that it holds for, UTC. */
    until: z.iso.date(),
  }),
);
export type AcceptedAdvisory = z.infer<typeof acceptedSchema>[number];

/** What of an answer of `npm audit --json` is read. */
const answerSchema = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      nodes: z.array(z.string()),
      /** Advisories; or the name of a package, where another is the cause. */
      via: z.array(
        z.union([z.string(), z.object({ title: z.string(), url: z.string(), severity: z.string() })]),
      ),
    }),
  ),
});
export type AuditAnswer = z.infer<typeof answerSchema>;

export interface AuditResult {
  /** Against what is shipped, and not accepted; or accepted and no longer told. */
  readonly complaints: readonly string[];
  /** What else is known. */
  readonly remarks: readonly string[];
}

/** Judges an answer on `today`, as `2027-01-31`. */
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
    for (const advisory of via) {
      if (typeof advisory === 'string') continue;
      const { title, url, severity } = advisory;
      const told = `${name}: ${title} (${severity}, ${url})`;
      const argument = accepted.find((each) => each.package === name && url.endsWith(`/${each.advisory}`));
      if (argument) met.add(argument);
      if (!nodes.some((node) => shipped.has(node))) remarks.push(`not shipped: ${told}`);
      else if (argument === undefined) complaints.push(told);
      else if (argument.until < today) complaints.push(`${told}, accepted until ${argument.until}`);
      else remarks.push(`accepted until ${argument.until}: ${told}: ${argument.reason}`);
    }
  }
  for (const each of accepted)
    if (!met.has(each))
      complaints.push(`${each.package}: ${each.advisory} is accepted, and nobody tells of it`);
  return { complaints, remarks };
}

/**
 * Asks the registry that npm is set to about the whole lock file: all of it is for development, what is shipped is
 * bundled from it, so that no `--omit` would leave the right part. What npm said when there is no answer is a text.
 */
export async function askAudit(): Promise<AuditAnswer | string> {
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    // it ends with 1 for advisories and for no answer alike
    execFile('npm', ['audit', '--json'], { cwd: root, maxBuffer: 64 * 2 ** 20 }, (_error, out, err) =>
      resolve({ stdout: out, stderr: err }),
    );
  });
  let told: unknown;
  try {
    told = JSON.parse(stdout);
  } catch {
    return stderr.trim() || 'nothing';
  }
  const answer = answerSchema.safeParse(told);
  if (answer.success) return answer.data;
  return z.object({ message: z.string() }).safeParse(told).data?.message ?? stdout.trim();
}

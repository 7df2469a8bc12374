import { STATUS_CODES } from 'node:http';
import { problemOf } from '../functions/wire/problem.ts';
import { type DoorProblem, frontDoorProblems, gatewayProblems } from './door-problems.ts';
import { FAILURES } from './failures.ts';

const HEAD = `# Problems

Every error is an RFC 9457 problem, \`application/problem+json\`:

\`\`\`json
`;

const AFTER = `
\`\`\`

- \`code\`: programs should branch on it. \`type\` is \`urn:hublease:problem:\` and the code.
- \`detail\`: what happened, and what to do next. The tables below show it with example values.
- \`requestId\`: finds the request in the logs.
- \`field\`: the field of the request that is wrong.
- \`holders\`: the roles that hold the leases of a quota.

If an answer has the header \`Retry-After\`, retry the same request after that many seconds. Without it, a retry fails again until
something is changed.

This page is generated from \`functions/wire/problem.ts\` and from the texts of API Gateway and the embedded edition. \`npm run docs\` writes it again.
`;

const GATEWAY = `## Answers of API Gateway

On AWS, a request that IAM or API Gateway refuses never reaches hublease. These problems have the same form, with fixed texts.
`;

const FRONT_DOOR = `## Answers of the embedded edition

The embedded edition answers these instead of API Gateway. It says more about a wrong signature than AWS does, because only its own machine can reach it.
`;

/** The catalogue of problems, by status, and then those of the doors in front. */
export function errorDocs(): string {
  const problems = Object.values(FAILURES).map((failure) => problemOf(failure, '7c1d4f0e-8a52-4b8e-9a0b-5f1f3c2d1e00'));
  const example = problems.find(({ problem }) => problem.code === 'ttl_too_long')?.problem;
  const byStatus = Map.groupBy(problems, ({ status }) => status);
  const sections = [...byStatus]
    .sort(([one], [other]) => one - other)
    .map(([status, answers]) => {
      const rows = answers.map(({ problem, headers }) => {
        const again = headers['retry-after'] === undefined ? '' : 'yes';
        return `| \`${problem.code}\` | ${problem.title} | ${cell(problem.detail)} | ${again} |`;
      });
      const table = ['| code | title | detail | Retry-After |', '| --- | --- | --- | --- |', ...rows];
      return [`## ${status} ${STATUS_CODES[status]}`, '', ...table].join('\n');
    });
  const doors = [GATEWAY + doorTable(gatewayProblems()), FRONT_DOOR + doorTable(frontDoorProblems())];
  return `${HEAD}${JSON.stringify(example, null, 2)}${AFTER}\n${[...sections, ...doors].join('\n\n')}\n`;
}

function doorTable(problems: readonly DoorProblem[]): string {
  const rows = problems.map(
    ({ status, code, detail, retries }) => `| ${status} | \`${code}\` | ${cell(detail)} | ${retries ? 'yes' : ''} |`,
  );
  return ['', '| status | code | detail | Retry-After |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

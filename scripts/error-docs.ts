import { STATUS_CODES } from 'node:http';
import { problemOf } from '../functions/wire/problem.ts';
import { type DoorProblem, frontDoorProblems, gatewayProblems } from './door-problems.ts';
import { FAILURES } from './failures.ts';

const HEAD = `# Problems

Generated from \`functions/wire/problem.ts\` and the doors in front of it; \`npm run docs\` writes it anew. An answer that is no success is an RFC 9457 problem,
\`application/problem+json\`:

\`\`\`json
`;

const AFTER = `
\`\`\`

Programs branch on \`code\`; \`type\` is \`urn:hublease:problem:\` and the code; \`detail\` says what happened, to what, and what to do
next, as below with example values; \`requestId\` finds the request in the logs. \`field\` names what is wrong with a request, and
\`holders\` who holds a quota. With \`Retry-After\` the same request may be sent again after that many seconds: the others will fail
again until something is changed.
`;

const GATEWAY = `## What API Gateway answers itself

On AWS, requests that IAM or API Gateway turns away never reach hublease. Their problems have the same form, with fixed texts.
`;

const FRONT_DOOR = `## What the embedded edition answers in its place

The front door of the embedded edition says more of a signature than AWS does, since it is reached from its own machine only.
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
      const table = ['| code | means | says, and what to do | Retry-After |', '| --- | --- | --- | --- |', ...rows];
      return [`## ${status} ${STATUS_CODES[status]}`, '', ...table].join('\n');
    });
  const doors = [GATEWAY + doorTable(gatewayProblems()), FRONT_DOOR + doorTable(frontDoorProblems())];
  return `${HEAD}${JSON.stringify(example, null, 2)}${AFTER}\n${[...sections, ...doors].join('\n\n')}\n`;
}

function doorTable(problems: readonly DoorProblem[]): string {
  const rows = problems.map(
    ({ status, code, detail, retries }) => `| ${status} | \`${code}\` | ${cell(detail)} | ${retries ? 'yes' : ''} |`,
  );
  return ['', '| status | code | says, and what to do | Retry-After |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

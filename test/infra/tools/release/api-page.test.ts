import { expect, it } from '@jest/globals'
import { apiPage } from '../../../../infra/tools/release/api/page.ts'

const member = (kind: string, code: string, docComment = '') => ({ kind, docComment, excerptTokens: [{ text: code }] })
const model = {
  kind: 'Package',
  docComment: '/**\n * For tests.\n *\n * @packageDocumentation\n */\n',
  members: [
    {
      kind: 'EntryPoint',
      members: [
        {
          ...member(
            'Function',
            'export declare function light(id: Id, options: {\n    path: string;\n}): import("../../release/a.ts").Lamp;',
            '/**\n * Lights `<id>` at <host>, as {@link Lamp} does.\n *\n * @param id - a name\n *   in two lines\n *\n * @returns the lamp\n */\n',
          ),
          name: 'light',
          canonicalReference: 'p!light:function(1)',
        },
        {
          ...member('Interface', 'export interface Lamp '),
          name: 'Lamp',
          canonicalReference: 'p!~Lamp:interface',
          members: [
            member('PropertySignature', 'lock: {\n        key: string;\n    };', '/**\n * Needs a key.\n */\n'),
            member('MethodSignature', 'close(): void;'),
          ],
        },
      ],
    },
  ],
}

it('a page shows the items with their comments, and types that are not exported once', () => {
  const documented = new Set<string>()
  const page = apiPage(model, 'lamps', documented)
  expect(page).toContain(`# lamps

For tests.
`)
  expect(page).toContain(`## Functions

### \`light\`

Lights \`<id>\` at \\<host>, as \`Lamp\` does.

- \`id\`: a name in two lines
- Returns the lamp

\`\`\`ts
function light(id: Id, options: {
  path: string;
}): Lamp;
\`\`\`
`)
  expect(page).toContain(`## Types that are not exported

### \`Lamp\`

\`\`\`ts
interface Lamp {
  /** Needs a key. */
  lock: {
    key: string;
  };
  close(): void;
}
\`\`\`
`)
  expect(apiPage(model, 'lamps', documented)).not.toContain('### `Lamp`')
})

import { addOwnOrchestrator, IN_APPLICATION } from './application.ts'
import type { Changes } from './changes.ts'
import type { Name } from './names.ts'
import { instantiate, type Move, templateFile } from './template.ts'

const KIND = 'orchestrator'

/** Adds a type of orchestrator, its page and its test, and registers it. */
export function addOrchestrator(changes: Changes, name: Name): void {
  if (IN_APPLICATION) return void addOwnOrchestrator(changes, name)
  const { kebab, camel } = name
  const moves: Move[] = [
    [templateFile(KIND, 'orchestrator.ts'), `shared/orchestrators/${kebab}.ts`],
    [templateFile(KIND, 'orchestrator.test.ts'), `test/shared/orchestrators/${kebab}.test.ts`],
    [templateFile(KIND, 'page.md'), `docs/${kebab}.md`],
  ]
  for (const [path, text] of instantiate(moves, name)) changes.create(path, text)
  const key = kebab.includes('-') ? `'${kebab}'` : kebab
  changes.insert(
    'shared/orchestrators/index.ts',
    'const orchestratorTypes: OrchestratorTypes = {\n',
    `  ${key}: async () => (await import('./${kebab}.ts')).${camel}Type,\n`,
  )
}

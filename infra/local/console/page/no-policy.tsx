import { Code } from './code.tsx'
import { stack } from './stack.ts'

/** How to add a policy. */
export function NoPolicy({ example }: { example: string }) {
  return (
    <section class="panel">
      <header>
        <h2>No policy yet</h2>
      </header>
      <div class="body">
        <p>
          A policy is a file with rules that restrict calls: which ones are refused, and which ones wait for people or
          until a window opens. {stack ? 'This stack' : 'This runtime'} has none, so callers are restricted only by
          their own rights.
        </p>
        <ol class="todo">
          <li>
            Write <code>policy.yaml</code>, for example:
            <Code label="Example of policy.yaml">{example}</Code>
          </li>
          <li>
            Check it with <code>npx webhooks policy check policy.yaml</code>.
          </li>
          <li>
            {stack ? (
              <>
                Name it in the setting <code>policy</code> of <code>cdk.json</code>, and deploy.
              </>
            ) : (
              <>
                Start the runtime with it: <code>WEBHOOKS_POLICY=policy.yaml npm start</code>
              </>
            )}
          </li>
        </ol>
      </div>
    </section>
  )
}

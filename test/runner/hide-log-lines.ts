// Many tests provoke failures, which the functions log. Their lines would hide the results of the tests. A test that
// asserts on log lines replaces process.stdout.write itself.
const write = process.stdout.write.bind(process.stdout)
const isHidden = (chunk: unknown): boolean => String(chunk).startsWith('{"level":"')

process.stdout.write = new Proxy(write, {
  apply: (target, self, [chunk, ...rest]: Parameters<typeof write>) =>
    isHidden(chunk) || Reflect.apply(target, self, [chunk, ...rest]),
})

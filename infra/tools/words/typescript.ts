import { join } from 'node:path'
import {
  isArrayBindingPattern,
  isBindingElement,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportSpecifier,
  isNoSubstitutionTemplateLiteral,
  isObjectLiteralExpression,
  isPropertyAssignment,
  isRegularExpressionLiteral,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import { blank, type Fragment, hide, hideCode, splitName } from './fragment.ts'

/**
 * Parses files of TypeScript and JavaScript, and returns their fragments by path.
 *
 * @param sources by path relative to the folder
 */
export function readPrograms(folder: string, sources: ReadonlyMap<string, string>): Map<string, Fragment[]> {
  if (sources.size === 0) return new Map()
  // Only parses: imports and types are not resolved.
  const compilerOptions = { noResolve: true, noLib: true, types: [], allowJs: true, noEmit: true, target: 'es2024' }
  const config = join(folder, 'words.tsconfig.json')
  const files = new Map([...sources].map(([path, source]) => [join(folder, path), source]))
  files.set(config, JSON.stringify({ compilerOptions, files: [...files.keys()] }))
  const api = new API({
    cwd: folder,
    fs: { readFile: (path) => files.get(path), fileExists: (path) => files.has(path) || undefined },
  })
  try {
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects()
    return new Map(
      [...sources.keys()].map((path) => {
        const source = project?.program.getSourceFile(join(folder, path))
        if (!source) throw new Error(`Cannot parse ${path}.`)
        return [path, fragmentsOf(source)]
      }),
    )
  } finally {
    api.close()
  }
}

function fragmentsOf(source: SourceFile): Fragment[] {
  const fragments: Fragment[] = []
  // The source without literals, in which a comment can be recognized by its first characters.
  let code = source.text
  const cover = (from: number, to: number) => {
    code = code.slice(0, from) + blank(code.slice(from, to)) + code.slice(to)
  }
  const visit = (node: Node): void => {
    const start = node.getStart(source)
    if (isRegularExpressionLiteral(node)) cover(start, node.end)
    if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) {
      cover(start, node.end)
      if (!isKeyOrModule(node)) fragments.push(literal(source.text.slice(start + 1, node.end - 1), start + 1))
    }
    if (isTemplateExpression(node)) {
      let text = source.text.slice(start, node.end)
      let from = node.head.end
      cover(start, node.head.end)
      for (const span of node.templateSpans) {
        const until = span.literal.getStart(source)
        text = text.slice(0, from - start) + hide(text.slice(from - start, until - start)) + text.slice(until - start)
        from = span.literal.end
        cover(until, from)
      }
      fragments.push(literal(text.slice(1, -1), start + 1))
    }
    if (isIdentifier(node) && isDeclaredName(node)) fragments.push({ place: 'name', text: splitName(node.text), start })
    node.forEachChild(visit)
  }
  visit(source)
  return [...fragments, ...comments(code)]
}

/** A string without spaces is the name of a step, a field or a kind. */
function literal(text: string, start: number): Fragment {
  const visible = hideCode(text)
  return /\s/.test(text)
    ? { place: 'string', text: visible, start }
    : { place: 'word', text: splitName(visible), start }
}

function isKeyOrModule({ parent, pos }: Node): boolean {
  if (isImportDeclaration(parent) || isExportDeclaration(parent)) return true
  return isPropertyAssignment(parent) && parent.name.pos === pos
}

/** Keys of object literals are excluded, because they are often the fields of a platform. */
const DECLARATIONS = new Set([
  SyntaxKind.BindingElement,
  SyntaxKind.ClassDeclaration,
  SyntaxKind.EnumDeclaration,
  SyntaxKind.EnumMember,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.GetAccessor,
  SyntaxKind.ImportSpecifier,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.NamespaceImport,
  SyntaxKind.Parameter,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.TypeParameter,
  SyntaxKind.VariableDeclaration,
])

function isDeclaredName(node: Node): boolean {
  const { parent } = node
  if (!DECLARATIONS.has(parent.kind) || !('name' in parent) || parent.name !== node) return false
  // Names that another declaration gives are reported there.
  if (isImportSpecifier(parent)) return parent.propertyName !== undefined
  if (isBindingElement(parent)) return parent.propertyName !== undefined || isArrayBindingPattern(parent.parent)
  return !isObjectLiteralExpression(parent.parent)
}

/** Consecutive line comments are one fragment. */
function comments(code: string): Fragment[] {
  return [...code.matchAll(/(?:\/\/[^\n]*(?:\n[ \t]*(?=\/\/))?)+|\/\*[\s\S]*?\*\//g)].map(({ 0: text, index }) => ({
    place: 'comment',
    text: hideCode(text).replace(/^[ \t]*(?:\/\*+|\*(?!\/)|\/\/)|\*+\/$/gm, blank),
    start: index,
  }))
}

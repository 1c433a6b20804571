/**
 * Returns the links within the site that lead to no page or to no heading, as `page: link`.
 *
 * @param pages HTML by path
 * @param base path of the site on its server, with slashes at both ends
 */
export function findBrokenLinks(pages: ReadonlyMap<string, string>, base: string): string[] {
  const ids = new Map([...pages].map(([page, html]) => [page, new Set(attributes(html, 'id'))]))
  return [...pages].flatMap(([page, html]) =>
    attributes(html, 'href')
      .filter((link) => {
        const url = new URL(link.replaceAll('&amp;', '&'), `http://site${base}${page}`)
        if (url.host !== 'site' || /\.(?!html$)\w+$/.test(url.pathname)) return false
        const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : url.pathname
        const found = ids.get(path === '' || path.endsWith('/') ? `${path}index.html` : path)
        return !found || !(url.hash === '' || found.has(decodeURIComponent(url.hash.slice(1))))
      })
      .map((link) => `${page}: ${link}`),
  )
}

function attributes(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value)
}

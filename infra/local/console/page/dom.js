/**
 * Creates an element. Strings become text nodes, so data of tickets, events or platforms never becomes markup.
 *
 * @param {string} tag with classes: `td.time`
 * @param {...unknown} parts attributes, if the first one is a plain object, then elements or text. Attributes that are functions
 *   become listeners; `false` and undefined are omitted
 */
export function h(tag, ...parts) {
  const [attributes, ...children] = parts[0]?.constructor === Object ? parts : [{}, ...parts]
  const [name, ...classes] = tag.split('.')
  const element = document.createElement(name)
  if (classes.length > 0) element.className = classes.join(' ')
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function') element[`on${key}`] = value
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(
    ...children.flat(3).flatMap((child) => (child === undefined || child === null || child === false ? [] : [child])),
  )
  return element
}

/** Creates a link for a web URL. Returns the text for anything else. */
export function link(href, text) {
  const url = typeof href === 'string' ? URL.parse(href, location.href) : null
  if (!url || !/^https?:$/.test(url.protocol)) return text
  const isExternal = url.origin !== location.origin || !url.hash
  return h('a', { href: url.href, ...(isExternal ? { target: '_blank', rel: 'noreferrer' } : {}) }, text)
}

const listeners = ['onclick', 'onsubmit', 'onchange', 'oninput', 'onkeydown', 'ontoggle']

/** Changes an element to match another one. Preserves focus, scroll position, selection and open details. */
export function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data
    return
  }
  for (const { name } of [...from.attributes]) {
    // The user opens and closes details.
    if (!to.hasAttribute(name) && !(from.tagName === 'DETAILS' && name === 'open')) from.removeAttribute(name)
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value)
  }
  for (const name of listeners) from[name] = to[name]
  morphChildren(from, [...to.childNodes])
}

/** @param {Node} parent @param {Node[]} wanted */
export function morphChildren(parent, wanted) {
  const keyed = new Map([...parent.children].filter((child) => keyOf(child)).map((child) => [keyOf(child), child]))
  wanted.forEach((child, at) => {
    const current = parent.childNodes[at]
    const same = keyOf(child) ? keyed.get(keyOf(child)) : current
    if (!same || !isSimilar(same, child)) parent.insertBefore(child, current ?? null)
    else {
      if (same !== current) parent.insertBefore(same, current ?? null)
      morph(same, child)
    }
  })
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove()
}

const keyOf = (node) => node.dataset?.key

const isSimilar = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b) && a.nodeType === b.nodeType

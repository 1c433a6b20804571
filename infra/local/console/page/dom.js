/**
 * Makes an element. Text is always text: nothing that a ticket, an event or a platform says can become markup.
 *
 * @param {string} tag with classes: `td.time`
 * @param {Record<string, unknown>} attributes functions become listeners; `false` and undefined are left out
 * @param {...unknown} children elements, or what is shown as text
 */
export function h(tag, attributes = {}, ...children) {
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

/** A link, where the address is one of the web; else its text alone. */
export function link(address, text) {
  const url = typeof address === 'string' ? URL.parse(address, location.href) : null
  if (!url || !/^https?:$/.test(url.protocol)) return text
  const outside = url.origin !== location.origin || !url.hash
  return h('a', { href: url.href, ...(outside ? { target: '_blank', rel: 'noreferrer' } : {}) }, text)
}

const listeners = ['onclick', 'onsubmit', 'onchange', 'oninput', 'onkeydown', 'ontoggle']

/** Makes an element like another one, and keeps what is the same: focus, scroll position, what is open and selected. */
export function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data
    return
  }
  for (const { name } of [...from.attributes]) {
    // Who opened it decides when it closes.
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
    const there = parent.childNodes[at]
    const same = keyOf(child) ? keyed.get(keyOf(child)) : there
    if (!same || !isAlike(same, child)) parent.insertBefore(child, there ?? null)
    else {
      if (same !== there) parent.insertBefore(same, there ?? null)
      morph(same, child)
    }
  })
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove()
}

const keyOf = (node) => node.dataset?.key

const isAlike = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b) && a.nodeType === b.nodeType

/** Reads a page written for the test, as the other tests of the dashboard do. */
import { expect, test } from 'vitest'
import { parsePage } from '../harness/dom.ts'

const page = parsePage(`<!doctype html><html><body><main><h1>Orders &amp; more</h1>
<form method="post" action="/orders?a=1&amp;b=2" id="order">
<input type="hidden" name="once" value="&quot;1&quot;"><label for="n">Name</label><input id="n" name="name">
<textarea name="note">
Make &lt;b&gt; &amp;amp; it&#39;s</textarea>
<input type="checkbox" name="on" checked><input type="checkbox" name="off" value="x">
<input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
<select name="first"><option disabled>Choose</option><option value="1">One</option><option>Two</option></select>
<select name="chosen"><option value="1">One</option><option selected>Two</option></select>
<input name="gone" disabled value="x"><button name="act" value="go">Save</button>
</form><input form="order" name="outside" type="hidden" value="out"><input form="order" name="outside" value="in"><input name="stray" value="out">
<section><h2>Runs</h2><table><tr><th>When</th><th>How</th></tr><tr><td>now</td><td><b>2</b> failed</td></tr></table></section>
<p>Ready<script>let hidden</script> <a href="/x?a=1&amp;b=2">Open</a>.</p></main></body></html>`)

test('a form submits what a browser submits', () => {
  expect(page.form('/orders?a=1&b=2')).toEqual({
    once: '"1"',
    name: '',
    note: "Make <b> &amp; it's",
    on: 'on',
    kind: 'b',
    first: '1',
    chosen: 'Two',
    outside: 'in',
  })
  expect(() => page.form('/none')).toThrow('No form posts to /none')
})

test('elements are found by role, label and text', () => {
  expect(page.getByRole('heading', { name: 'Orders & more' }).localName).toBe('h1')
  expect(page.getByLabel('Name').getAttribute('name')).toBe('name')
  expect(page.getByText('Open').getAttribute('href')).toBe('/x?a=1&b=2')
  expect(page.text).toContain('Ready Open.')
  expect(page.text).not.toContain('hidden')
  expect(() => page.getByRole('checkbox')).toThrow('2 elements match')
})

test('a table is read by its heading', () => {
  expect(page.table('Runs')).toEqual([
    ['When', 'How'],
    ['now', '2 failed'],
  ])
})

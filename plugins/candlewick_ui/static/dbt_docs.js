// The place inside of the docs travels in this page's address, so that a model can be linked to.
const docs = document.getElementById("docs");

if (docs && window.location.hash) docs.src += window.location.hash;

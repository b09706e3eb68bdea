// The viewer of the API's document: the browser's login is used, so everything can be tried out at once.
const place = document.getElementById("api-docs");

window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
});

// Sends the response of an authorization request to the app.
HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));

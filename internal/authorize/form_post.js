// Sends the response of an authorization request to the app. An impatient user can't send
// it again at once: the app would redeem the code twice.
const form = document.getElementById("form-post");
const button = form.querySelector("button");
HTMLFormElement.prototype.submit.call(form);
button.disabled = true;
setTimeout(() => { button.disabled = false; }, 5000);

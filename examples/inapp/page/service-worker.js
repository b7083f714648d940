// Shows push messages in browsers that do not show Declarative Web Push by themselves, and opens what they link to.

self.addEventListener('push', (event) => {
  const { notification } = event.data.json();
  const { title, ...options } = notification;
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url } = event.notification.data ?? {};
  if (url) event.waitUntil(self.clients.openWindow(url));
});
